//VERSION=3
// collections: sentinel-2-l2a
// hints: W017
// The older shape of scenes.
function setup() {
  return { input: ["B04"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples, scenes) {
  return [samples.length ? samples[0].B04 * new Date(scenes[0].date).getUTCMonth() : 0];
}
