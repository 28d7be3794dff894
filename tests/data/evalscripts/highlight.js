//VERSION=3
// collections: sentinel-2-l1c
// The picture with compressed highlights, and its older relatives.
const stretch = new HighlightCompressVisualizer(0, 0.4);
const single = new HighlightCompressVisualizerSingle(0, 0.4);
const plain = new DefaultVisualizer(0, 0.4);
const same = new Identity();
function setup() {
  return { input: ["B02", "B03", "B04"], output: { bands: 3 } };
}
function evaluatePixel(s) {
  const [red] = single.process(s.B04);
  return same.process([red, stretch.process(s.B03, 1), plain.process(s.B02)]);
}
