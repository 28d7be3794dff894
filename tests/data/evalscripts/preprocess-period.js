//VERSION=3
// collections: sentinel-2-l2a
// range: 2021-01-01/2021-12-31
// Keeps the ten days before the end, which the request gives as a Date.
function setup() {
  return { input: ["B08"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function preProcessScenes(collections) {
  const since = collections.to.getTime() - 10 * 24 * 3600 * 1000;
  collections.scenes.orbits = collections.scenes.orbits.filter((o) => Date.parse(o.dateTo) >= since);
  collections.scenes.orbits.sort((a, b) => new Date(a.dateFrom) - new Date(b.dateFrom));
  return collections;
}
function evaluatePixel(samples) {
  return [samples.length ? samples[samples.length - 1].B08 : 0];
}
