//VERSION=3
// collections: sentinel-2-l2a
// One bare object as input.
function setup() {
  return { input: { bands: ["B08", "B04"] }, output: { bands: 1, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  return [index(sample.B08, sample.B04)];
}
