//VERSION=3
// collections: sentinel-2-l2a
// One unit for each band, written in the small letters of older pages.
function setup() {
  return {
    input: [{ bands: ["B04", "AOT"], units: ["reflectance", "OPTICAL_DEPTH"] }],
    output: [{ id: "default", bands: 2, sampleType: SampleType.FLOAT32 }],
  };
}
function evaluatePixel({ B04, AOT }) {
  return [B04, AOT];
}
