//VERSION=3
// collections: sentinel-2-l2a
// Stops the whole job, on purpose, when there is nothing to see.
class NothingToSee extends Error {}
function setup() {
  return { input: ["B04"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  if (samples.length === 0) throw new NothingToSee("no scene at all");
  if (samples.length < 2) {
    throw new TypeError(`only ${samples.length} scene`);
  }
  return [samples[1].B04];
}
