//VERSION=3
// collections: sentinel-2-l2a
// The highest index of a month; days without data are left out.
function setup() {
  return { input: ["B04", "B08", "dataMask"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  const values = samples.filter((s) => s.dataMask === 1).map((s) => index(s.B08, s.B04));
  return [values.length ? Math.max(...values) : NaN];
}
