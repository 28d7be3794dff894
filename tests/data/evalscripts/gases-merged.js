//VERSION=3
// collections: sentinel-5p-l2
// range: 2020-01-01/2020-01-10
// hints: W014
// Ten days in SIMPLE mode.
function setup() {
  return { input: ["CO"], output: { bands: 1, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  return [sample.CO];
}
