//VERSION=3
// collections: sentinel-2-l2a
// The first clear day, found with a plain loop and `var`.
function setup() {
  return { input: [{ bands: ["B02", "B03", "B04", "SCL"] }], output: { bands: 3 }, mosaicking: Mosaicking.ORBIT };
}
function evaluatePixel(samples, scenes) {
  for (var i = 0; i < samples.length; i++) {
    if ([4, 5, 6].includes(samples[i].SCL)) {
      return [samples[i].B04, samples[i].B03, samples[i].B02];
    }
  }
  return [0, 0, 0];
}
