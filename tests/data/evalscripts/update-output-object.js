//VERSION=3
// collections: sentinel-2-l2a
// All properties of all outputs, gone through by name.
function setup() {
  return { input: ["B04"], output: [{ id: "default", bands: 2, sampleType: "FLOAT32" }], mosaicking: "ORBIT" };
}
function updateOutput(outputs, collection) {
  Object.values(outputs).forEach((output) => {
    output.bands = collection.scenes.length + 1;
  });
}
function evaluatePixel(samples) {
  return [samples.length, ...samples.map((s) => s.B04)];
}
