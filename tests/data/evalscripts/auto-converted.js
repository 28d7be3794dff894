//VERSION=3 (auto-converted from 1)
// collections: sentinel-2-l2a
// A remark on the first line is tolerated; console does nothing.
let minVal = 0.0;
let maxVal = 0.4;
let viz = new HighlightCompressVisualizer(minVal, maxVal);
function setup() {
  return { input: ["B04", "B03", "B02"], output: { bands: 3 } };
}
function evaluatePixel(samples) {
  console.log("pixel", samples);
  let val = [samples.B04, samples.B03, samples.B02];
  return val.map((v, i) => viz.process(v, i));
}
