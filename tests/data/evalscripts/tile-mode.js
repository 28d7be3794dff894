//VERSION=3
// collections: sentinel-2-l2a
// The mean of all tiles, with their dates.
function setup() {
  return { input: ["B04", "dataMask"], output: { bands: 2, sampleType: "FLOAT32" }, mosaicking: "TILE" };
}
function preProcessScenes(collections) {
  collections.scenes.tiles = collections.scenes.tiles.filter((tile) => tile.cloudCoverage < 80);
  return collections;
}
function evaluatePixel(samples, scenes) {
  let [sum, count] = [0, 0];
  for (let i = 0; i < samples.length; i++) {
    if (samples[i].dataMask) {
      sum += samples[i].B04;
      count++;
    }
  }
  return [count ? sum / count : NaN, scenes.tiles.length];
}
