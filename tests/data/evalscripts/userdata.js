//VERSION=3
// collections: sentinel-2-l2a
// responses: default image/tiff, userdata application/json
// Dates of the scenes, told once at the end.
function setup() {
  return { input: ["B04"], output: { bands: 1 }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  return [samples.length > 0 ? samples[0].B04 : 0];
}
function updateOutputMetadata(scenes, inputMetadata, outputMetadata) {
  outputMetadata.userData = {
    factor: inputMetadata.normalizationFactor,
    version: inputMetadata.serviceVersion,
    days: scenes.orbits.map((orbit) => orbit.dateFrom),
  };
}
