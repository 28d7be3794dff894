//VERSION=3
// collections: sentinel-2-l2a
// hints: W001
// The commonest oversight: no scene, no first sample.
function setup() {
  return { input: ["B04"], output: { bands: 1 }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  return [samples[0].B04];
}
