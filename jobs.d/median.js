//VERSION=3
// For each pixel and band the (upper) median of the cloud-free days of the last twelve months.

const DAY = 24 * 3600 * 1000; // milliseconds
const PERIOD = 12 * 30 * DAY; // counted back from the end of the request's time range
const BANDS = ["B08", "B04", "B03", "B02"];

// SCL classes that hide the ground: saturated or defective, cloud shadow, unclassified or low cloud probability,
// cloud (medium, high), thin cirrus, snow or ice.
const UNUSABLE = [1, 3, 7, 8, 9, 10, 11];
const CLOUD = 1; // CLM, the s2cloudless mask
const NO_CLOUD_DATA = 255;

function setup() {
  return {
    input: [{ bands: ["B08", "B04", "B03", "B02", "CLM", "SCL"], units: "DN" }],
    output: { bands: 4, sampleType: SampleType.UINT16 },
    mosaicking: "ORBIT",
  };
}

// The published example defines `filterScenes` for this, which V3's documentation does not know: unless the service calls
// it all the same, all three years are read and paid for.
function preProcessScenes(collections) {
  const oldest = collections.to.getTime() - PERIOD;
  collections.scenes.orbits = collections.scenes.orbits.filter(
    (orbit) => new Date(orbit.dateFrom).getTime() >= oldest
  );
  return collections;
}

function hasData(sample) {
  return sample.B02 > 0 && sample.B03 > 0 && sample.B04 > 0 && sample.B08 > 0;
}

function isUsable(sample) {
  return sample.CLM !== CLOUD && sample.CLM !== NO_CLOUD_DATA && !UNUSABLE.includes(sample.SCL);
}

function upperMedian(samples, band) {
  const values = samples.map((sample) => sample[band]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

function evaluatePixel(samples) {
  const seen = samples.filter(hasData);
  const usable = seen.filter(isUsable);
  const best = usable.length > 0 ? usable : seen; // never a clear day: the clouds are better than a hole
  if (best.length === 0) {
    return [0, 0, 0, 0];
  }
  return BANDS.map((band) => upperMedian(best, band));
}
