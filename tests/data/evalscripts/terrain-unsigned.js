//VERSION=3
// collections: dem
// hints: W007
// Heights below zero are lost.
function setup() {
  return { input: [{ bands: ["DEM"], units: "METERS" }], output: { bands: 1, sampleType: SampleType.UINT16 } };
}
function evaluatePixel(sample) {
  return [sample.DEM];
}
