//VERSION=3
// collections: sentinel-2-l2a
// Every factory of the ramp, and an inverse.
const ramps = [
  ColorRampVisualizer.createWhiteGreen(),
  ColorRampVisualizer.createBlueRed(-1, 1).inverse(),
  ColorRampVisualizer.createOceanColor(0, 0.5),
  new ColorRampVisualizer([[0, 0x000000], [0.5, [1, 0.5, 0]], [1, 0xffffff]]),
];
function setup() {
  return { input: ["B02", "B03", "B04"], output: { bands: 3 } };
}
function evaluatePixel(s) {
  const number = Math.min(3, Math.floor(Math.max(0, s.B02) * 4));
  return ramps[number].process(s.B03 + s.B04);
}
