//VERSION=3
// collections: sentinel-2-l2a
// A table of colours by class; an unknown class is black.
const COLOURS = { 4: [0, 1, 0], 5: [0.5, 0.3, 0], 6: [0, 0, 1], 11: [1, 1, 1] };
function setup() {
  return { input: ["SCL"], output: { bands: 3 } };
}
function evaluatePixel({ SCL }) {
  return COLOURS[SCL] || [0, 0, 0];
}
