//VERSION=3
// collections: sentinel-2-l2a
// range: 2020-01-01/2022-12-31
// Keeps the summers of three years.
function setup() {
  return { input: ["B08"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function preProcessScenes(collections) {
  collections.scenes.orbits = collections.scenes.orbits.filter((orbit) => {
    const month = new Date(orbit.dateFrom).getUTCMonth() + 1;
    return month >= 6 && month <= 8;
  });
  return collections;
}
function evaluatePixel(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample.B08;
  return [samples.length > 0 ? sum / samples.length : 0];
}
