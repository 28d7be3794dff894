//VERSION=3
// collections: sentinel-2-l2a
// Published examples assign without declaring.
function setup() {
  return { input: ["B04", "B08"], output: { bands: 3 } };
}
function evaluatePixel(sample) {
  visualized = valueInterpolate(index(sample.B08, sample.B04), [0, 1], [[1, 1, 1], [0, 0.5, 0]]);
  return visualized;
}
