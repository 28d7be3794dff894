//VERSION=3
// collections: sentinel-2-l2a
// responses: default image/png
// The mask as a scaled alpha band, for PNG.
function setup() {
  return { input: ["B02", "B03", "B04", "dataMask"], output: { bands: 4, sampleType: "UINT8" } };
}
function evaluatePixel(s) {
  return [s.B04 * 635, s.B03 * 635, s.B02 * 635, s.dataMask * 255];
}
