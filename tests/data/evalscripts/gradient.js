//VERSION=3
// collections: sentinel-2-l2a
// The deprecated gradient with limits of its own.
const gradient = ColorGradientVisualizer.createRedTemperature(-1, 1);
function setup() {
  return { input: ["B03", "B08"], output: { bands: 3 } };
}
function evaluatePixel(s) {
  return gradient.process(index(s.B03, s.B08));
}
