//VERSION=3
// Water from -1 to 1; NaN where the least cloudy scene of the month has no data.
function setup() {
  return {input: ["B03", "B08", "dataMask"], output: {bands: 1, sampleType: "FLOAT32"}};
}
function evaluatePixel(sample) {
  return [sample.dataMask ? index(sample.B03, sample.B08) : NaN];
}
