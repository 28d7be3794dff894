//VERSION=3
// collections: sentinel-2-l2a
// What could confuse a reader of text: regular expressions, templates, comments with braces.
const name = /[{/"']+(B\d+)\/?/.exec('{B04')[1]; // } not the end
const text = `a ${`b ${{ c: "}" }.c}`} // no comment`;
function setup() {
  /* return { input: ["B99"] } */
  return { input: [name], output: { bands: text.length > 3 ? 1 : 2, sampleType: "FLOAT32" } };
}
const evaluatePixel = function (sample) {
  const half = sample.B04 / 2 / 1;
  label: for (;;) {
    switch (true) {
      case half > 0:
        break label;
      default:
        return [0];
    }
  }
  return [half];
};
