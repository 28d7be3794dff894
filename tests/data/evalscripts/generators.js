//VERSION=3
// collections: sentinel-2-l2a
// Generators, symbols, maps, optional chaining and nullish values.
function* values(samples) {
  for (const sample of samples) yield sample?.B04 ?? 0;
}
function setup() {
  return { input: ["B04"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  const sorted = Float64Array.from(values(samples)).sort();
  return [sorted.at(Math.floor(sorted.length / 2)) ?? 0];
}
