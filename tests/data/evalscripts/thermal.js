//VERSION=3
// collections: sentinel-3-slstr
// Brightness temperature in degrees Celsius, coloured.
const limits = [-20, 0, 20, 40];
const colours = [[0, 0, 1], [1, 1, 1], [1, 1, 0], [1, 0, 0]];
function setup() {
  return { input: [{ bands: ["S8"], units: "BRIGHTNESS_TEMPERATURE" }], output: { bands: 3 } };
}
function evaluatePixel(sample) {
  return valueInterpolate(sample.S8 - 273.15, limits, colours);
}
