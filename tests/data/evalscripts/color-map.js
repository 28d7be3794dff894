//VERSION=3
// collections: sentinel-2-l2a
// Discrete colours, as integers and from the default map.
const own = new ColorMapVisualizer([[-1, 0x0000ff], [0, 0xffff00], [0.4, 0x008000]]);
const usual = ColorMapVisualizer.createDefaultColorMap();
function setup() {
  return { input: ["B04", "B08", "B11"], output: { bands: 3 } };
}
function evaluatePixel(s) {
  return s.B11 > 0.3 ? usual.process(index(s.B08, s.B04)) : own.process(index(s.B08, s.B11));
}
