//VERSION=3
// Vegetation from -1 to 1; NaN where the least cloudy scene of the month has no data.
function setup() {
  return {input: ["B04", "B08", "dataMask"], output: {bands: 1, sampleType: "FLOAT32"}};
}
function evaluatePixel(sample) {
  return [sample.dataMask ? index(sample.B08, sample.B04) : NaN];
}
