//VERSION=3
// collections: landsat-ot-l1
// Bands are NaN without data; quality bits are decoded.
function setup() {
  return { input: ["B04", "B05", "BQA", "dataMask"], output: { bands: 2, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  const { cloud, cloudShadow, clear } = decodeL8C2Qa(sample.BQA);
  return [sample.dataMask ? index(sample.B05, sample.B04) : NaN, cloud + 2 * cloudShadow + 4 * clear];
}
