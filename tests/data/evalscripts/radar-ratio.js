//VERSION=3
// collections: sentinel-1-grd
// Linear power to decibels.
function setup() {
  return { input: [{ bands: ["VV", "VH", "dataMask"] }], output: { bands: 3, sampleType: "FLOAT32" } };
}
const toDb = (linear) => (linear > 0 ? (10 * Math.log(linear)) / Math.LN10 : -50);
function evaluatePixel(s) {
  return [toDb(s.VV), toDb(s.VH), s.VH > 0 ? s.VV / s.VH : 0];
}
