//VERSION=3
// collections: sentinel-2-l2a
// responses: default image/png
// A comparison as alpha: true and false become 1 and 0.
function setup() {
  return { input: ["B04", "B03", "B02"], output: { bands: 4 } };
}
const evaluatePixel = (sample) => {
  return [sample.B04, sample.B03, sample.B02, sample.B04 > 0];
};
