//VERSION=3
// Vegetation index of one mosaic, coloured from white (bare) to green (dense).

function setup() {
  return {
    input: [{ bands: ["B04", "B08"] }],
    output: { bands: 3 },
  };
}

const gradient = ColorGradientVisualizer.createWhiteGreen();

function evaluatePixel(sample) {
  const ndvi = index(sample.B08, sample.B04);
  return gradient.process(ndvi);
}
