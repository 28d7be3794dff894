//VERSION=3
// collections: sentinel-2-l2a
// Copies a sample, lists its keys, asks what it has.
function setup() {
  return { input: ["B02", "B03"], output: { bands: 2, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  const copy = { ...sample, sum: 0 };
  for (const key in sample) copy.sum += sample[key];
  if ("B99" in sample || sample.hasOwnProperty("B98") || sample.B97 === undefined) {
    return [copy.sum, Object.keys(sample).length];
  }
  return Object.values(sample);
}
