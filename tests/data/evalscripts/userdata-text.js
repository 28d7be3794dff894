//VERSION=3
// collections: sentinel-2-l2a
// responses: userdata application/json
// Metadata only: nothing is returned, and the text is put together with a template.
function setup() {
  return { input: [{ bands: ["B04"], metadata: ["bounds"] }], output: { bands: 1 }, mosaicking: "TILE" };
}
function evaluatePixel(samples, scenes, inputMetadata, customData, outputMetadata) {
  const shapes = scenes.tiles.map((tile) => `${tile.date}: ${tile.dataGeometry.type} of ${tile.dataPath}`);
  outputMetadata.userData = { norm: inputMetadata.normalizationFactor, shapes, first: samples.length ? samples[0].B04 : 0 };
}
