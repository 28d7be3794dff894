//VERSION=3
// collections: sentinel-2-l2a
// hints: W005
// A script on its way from an older version.
function setup() {
  setInputComponents([]);
  setOutputComponentCount(3);
  return { input: ["B04", "B08"], output: { bands: 1 } };
}
function setInputComponents(list) { return list; }
function setOutputComponentCount(count) { return count; }
function evaluatePixel(sample) {
  return [sample.B04];
}
