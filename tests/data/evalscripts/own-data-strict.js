//VERSION=3
// collections: byoc-01234567-89ab-cdef-0123-456789abcdef
// hints: W001
// Right for every code there is, and for no other number.
const COLOURS = new Map([[10, { rgb: [0, 0.4, 0] }], [20, { rgb: [1, 0.7, 0] }]]);
function setup() {
  return { input: ["Map"], output: { bands: 3 } };
}
function evaluatePixel(sample) {
  return COLOURS.get(sample.Map).rgb;
}
