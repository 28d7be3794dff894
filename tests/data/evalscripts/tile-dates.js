//VERSION=3
// collections: sentinel-2-l2a
// Chosen by the sensing time of a tile, with the date written out.
function setup() {
  return { input: ["B04"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: Mosaicking.TILE };
}
function preProcessScenes(collections) {
  collections.scenes.tiles = collections.scenes.tiles.filter((tile) => new Date(tile.date) > new Date("2020-01-02T00:00:00Z"));
  return collections;
}
function evaluatePixel(samples) {
  return [samples.reduce((sum, s) => sum + s.B04, 0)];
}
