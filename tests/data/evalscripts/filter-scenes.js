//VERSION=3
// collections: sentinel-2-l2a
// range: 2020-01-01/2020-12-31
// hints: W008
// Drops scenes with a function that the documentation does not know.
function setup() {
  return { input: ["B04"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function filterScenes(scenes, inputMetadata) {
  return scenes.filter((scene) => scene.date.getTime() >= inputMetadata.to.getTime() - 31 * 24 * 3600 * 1000);
}
function evaluatePixel(samples) {
  return [samples.length ? samples[0].B04 : 0];
}
