//VERSION=3
// Vegetation index of one mosaic, coloured from white (bare) to green (dense).

function setup() {
  return {
    input: [{ bands: ["@RED@", "@NIR@"] }],
    output: { bands: 3 },
  };
}

const gradient = ColorGradientVisualizer.createWhiteGreen();

function evaluatePixel(sample) {
  const ndvi = index(sample.@NIR@, sample.@RED@);
  return gradient.process(ndvi);
}
