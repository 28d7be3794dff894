//VERSION=3
// collections: sentinel-1-grd
// Mean and spread of all passes.
function setup() {
  return { input: ["VV"], output: { bands: 2, sampleType: SampleType.FLOAT32 }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  const n = samples.length;
  if (!n) return [NaN, NaN];
  const mean = samples.reduce((sum, { VV }) => sum + VV, 0) / n;
  const spread = samples.reduce((sum, { VV }) => sum + (VV - mean) ** 2, 0) / n;
  return [mean, Math.sqrt(spread)];
}
