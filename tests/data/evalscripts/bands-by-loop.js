//VERSION=3
// collections: sentinel-2-l2a
// Names of bands in a list, used for setup and for pixels.
const BANDS = ["B02", "B03", "B04", "B05", "B06", "B07"];
function setup() {
  return { input: [{ bands: BANDS, units: "DN" }], output: { bands: BANDS.length, sampleType: "UINT16" } };
}
function evaluatePixel(sample) {
  return BANDS.map((band) => sample[band]);
}
