//VERSION=3
// collections: sentinel-2-l2a
// Every small utility function once.
function setup() {
  return { input: ["B02", "B03", "B04", "B08"], output: { bands: 3, sampleType: "FLOAT32" } };
}
function evaluatePixel(s) {
  const mixed = combine([s.B02, s.B03, s.B04], [1, 1, 1], 0.5);
  const grey = normalizeRGB(int2rgb(rgb2int([120, 130, 140])));
  const step = valueMap(s.B08, [0.1, 0.2, 0.3], [10, 20, 30]);
  const smooth = valueInterpolate(s.B08, [0, 0.5, 1], [[0, 0, 0], [0.5, 0.2, 0.1], [1, 1, 1]]);
  const old = colorBlend(s.B04, [0, 1], [[0, 0, 0], [1, 1, 1]]);
  const oldest = colorMap(s.B04, [0.1, 1], [[0, 0, 0], [1, 1, 1]]);
  return mixed.map((value, i) => value + grey[i] + smooth[i] + old[i] + oldest[i] + step + inverse(2));
}
