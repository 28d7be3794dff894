//VERSION=3
// collections: sentinel-2-l2a
// range: 2020-01-01/2020-12-31
// hints: W001, W012
// Reads the hundredth sample: there are pixels with so many.
function setup() {
  return { input: ["B04"], output: { bands: 1 }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  return [samples[99].B04];
}
