//VERSION=3
// collections: sentinel-2-l2a
// Asks a person to finish it first.
function setup() {
  return { input: ["B04"], output: { bands: 1 } };
}
function evaluatePixel(sample) {
  throw "write the formula for " + sample.B04;
}
