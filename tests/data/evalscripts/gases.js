//VERSION=3
// collections: sentinel-5p-l2
// range: 2020-01-01/2020-01-10
// The mean of several overpasses.
function setup() {
  return { input: ["NO2", "dataMask"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  const seen = samples.filter(({ dataMask }) => dataMask);
  return [seen.length ? seen.reduce((sum, { NO2 }) => sum + NO2, 0) / seen.length : NaN];
}
