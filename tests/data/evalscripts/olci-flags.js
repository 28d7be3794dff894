//VERSION=3
// collections: sentinel-3-olci
// Flags of 32 bits.
function setup() {
  return { input: ["B17", "B08", "QUALITY_FLAGS"], output: { bands: 1, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  const flags = decodeS3OLCIQualityFlags(sample.QUALITY_FLAGS);
  return [flags.invalid ? NaN : flags.land * index(sample.B17, sample.B08)];
}
