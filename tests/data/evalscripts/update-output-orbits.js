//VERSION=3
// collections: sentinel-2-l2a
// hints: W018
// Public scripts read the list of days where it is not documented.
function setup() {
  return { input: ["B04"], output: { id: "default", bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function updateOutput(outputs, collections) {
  outputs.default.bands = Math.max(1, collections.scenes.orbits.length);
}
function evaluatePixel(samples) {
  return samples.length ? samples.map((s) => s.B04) : [0];
}
