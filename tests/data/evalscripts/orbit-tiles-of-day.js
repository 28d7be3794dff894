//VERSION=3
// collections: sentinel-2-l2a
// Reads the tiles of the newest day.
function setup() {
  return { input: ["B04"], output: { bands: 2, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples, scenes) {
  if (samples.length === 0) return [0, 0];
  const [tile] = scenes.orbits[0].tiles;
  return [samples[0].B04, tile.cloudCoverage];
}
