//VERSION=3
// True colour as the satellite saw it, brightened 2.5 times.

const GAIN = 2.5;

function setup() {
  return {
    input: ["B02", "B03", "B04"],
    output: {
      bands: 3,
      sampleType: "AUTO", // the default: 0..1 is stored as 0..255
    },
  };
}

function evaluatePixel(sample) {
  return [GAIN * sample.B04, GAIN * sample.B03, GAIN * sample.B02];
}
