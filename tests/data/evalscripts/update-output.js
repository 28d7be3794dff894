//VERSION=3
// collections: sentinel-2-l2a
// As many bands as there are days.
function setup() {
  return { input: ["B04"], output: { id: "default", bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function updateOutput(outputs, collection) {
  outputs.default.bands = Math.max(1, collection.scenes.length);
}
function evaluatePixel(samples) {
  return samples.length ? samples.map((s) => s.B04) : [0];
}
