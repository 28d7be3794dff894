//VERSION=3
// Cloudless mosaic: for each pixel and band the first quartile of the usable days of three months.

const DAY = 24 * 3600 * 1000; // milliseconds
const PERIOD = 3 * 31 * DAY; // counted back from the end of the request's time range
const REFLECTANCE_SCALE = 10000;

// SCL classes that hide the ground: saturated or defective, cloud shadow, cloud (medium, high), thin cirrus, snow or ice.
// Dark areas (2) and low cloud probability or unclassified (7) stay in.
const UNUSABLE = [1, 3, 8, 9, 10, 11];

function setup() {
  return {
    input: [{ bands: ["B04", "B03", "B02", "SCL"] }],
    output: { bands: 3, sampleType: "UINT16" },
    mosaicking: "ORBIT",
  };
}

function preProcessScenes(collections) {
  const oldest = collections.to.getTime() - PERIOD;
  collections.scenes.orbits = collections.scenes.orbits.filter(
    (orbit) => new Date(orbit.dateFrom).getTime() >= oldest
  );
  return collections;
}

function hasData(sample) {
  return sample.B02 > 0 && sample.B03 > 0 && sample.B04 > 0;
}

function isUsable(sample) {
  return !UNUSABLE.includes(sample.SCL);
}

function firstQuartile(samples, band) {
  const values = samples.map((sample) => sample[band]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 4)];
}

function evaluatePixel(samples) {
  const seen = samples.filter(hasData);
  const usable = seen.filter(isUsable);
  const best = usable.length > 0 ? usable : seen; // never a clear day: the clouds are better than a hole
  if (best.length === 0) {
    return [0, 0, 0];
  }
  return ["B04", "B03", "B02"].map((band) => firstQuartile(best, band) * REFLECTANCE_SCALE);
}
