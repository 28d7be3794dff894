//VERSION=3
// collections: sentinel-2-l2a
// responses: default image/tiff, userdata application/json
// The documented pattern of a global that is told at the end.
let highest = 0;
function setup() {
  return { input: ["B04"], output: { bands: 1 } };
}
function evaluatePixel(sample) {
  highest = Math.max(highest, sample.B04);
  return [sample.B04];
}
function updateOutputMetadata(scenes, inputMetadata, outputMetadata) {
  outputMetadata.userData = { highest };
}
