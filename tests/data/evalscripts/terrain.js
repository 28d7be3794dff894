//VERSION=3
// collections: dem
// Heights, with the sea below zero.
function setup() {
  return { input: ["DEM"], output: { id: "default", bands: 1, sampleType: SampleType.FLOAT32 } };
}
function evaluatePixel(sample) {
  return [sample.DEM];
}
