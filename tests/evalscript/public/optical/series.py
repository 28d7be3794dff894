"""Time: scenes chosen by date, differences, series with a band for each day, trends, and what is written of them."""

from datetime import UTC, date, datetime

import numpy as np

from tests.evalscript.public.row import Feed, Row
from tests.support.oracles import Plane, at_scene, first, nd, over
from tests.support.seen import Seen

ORBIT, TILE = Feed(mode="ORBIT"), Feed(mode="TILE")
_JULY = datetime(2022, 7, 1, tzinfo=UTC).timestamp()
SPRING = Feed(mode="ORBIT", times="2022-03-01/2022-06-30")


def _ndvi(b: Seen) -> Plane:
    return nd(b.B08, b.B04)


def _slope(b: Seen) -> Plane:
    """Of a straight line through the valid days, per day."""
    days = np.array([(day - date(2022, 6, 1)).days for day in b.dates], dtype=np.float64)[:, None]
    good = b.dataMask == 1
    count = good.sum(axis=0)
    x, y = np.where(good, days, 0), np.where(good, _ndvi(b), 0)
    upper = count * (x * y).sum(axis=0) - x.sum(axis=0) * y.sum(axis=0)
    lower = count * (x * x).sum(axis=0) - x.sum(axis=0) ** 2
    return np.where(lower == 0, 0, upper / np.where(lower == 0, 1, lower))


ROWS = (
    Row(
        name="NDVI now less NDVI before",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "B08", "dataMask"],
    output: { bands: 1, sampleType: "FLOAT32" },
    mosaicking: "ORBIT"
  };
}

function evaluatePixel(samples) {
  var valid = samples.filter(function (s) { return s.dataMask == 1; });
  if (valid.length < 2) return [0];
  var newest = valid[0], oldest = valid[valid.length - 1];
  return [index(newest.B08, newest.B04) - index(oldest.B08, oldest.B04)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            np.where(good.sum(axis=0) < 2, 0, newest - oldest)
            for good in [b.dataMask == 1]
            for newest in [at_scene(_ndvi(b), good.argmax(axis=0))]
            for oldest in [at_scene(_ndvi(b)[::-1], good[::-1].argmax(axis=0))]
        ],
    ),
    Row(
        name="Only the last ten days",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B02", "B03", "B04", "dataMask"] }],
    output: { bands: 3, sampleType: "FLOAT32" },
    mosaicking: "ORBIT"
  }
}

function preProcessScenes (collections) {
  collections.scenes.orbits = collections.scenes.orbits.filter(function (orbit) {
    var orbitDateFrom = new Date(orbit.dateFrom)
    return orbitDateFrom.getTime() >= (collections.to.getTime() - 10 * 24 * 3600 * 1000);
  })
  return collections
}

function evaluatePixel(samples) {
  let n = 0, r = 0, g = 0, b = 0;
  for (const s of samples) {
    if (s.dataMask === 0) continue;
    n++; r += s.B04; g += s.B03; b += s.B02;
  }
  return n ? [r / n, g / n, b / n] : [0, 0, 0];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            over(v, late.dataMask == 1, "mean")
            for late in [b.only(lambda day: day >= date(2022, 6, 18))]
            for v in (late.B04, late.B03, late.B02)
        ],
    ),
    Row(
        name="April against June, each in a band",
        data=(SPRING,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B04", "B08"] }],
    output: { bands: 2, sampleType: "FLOAT32" },
    mosaicking: "ORBIT"
  };
}

// months count from 0
const months = [3, 5];

function preProcessScenes(collections) {
  collections.scenes.orbits = collections.scenes.orbits.filter((orbit) => {
    const month = new Date(orbit.dateFrom).getUTCMonth();
    return months.includes(month);
  });
  return collections;
}

function evaluatePixel(samples, scenes) {
  const best = months.map(() => 0);
  samples.forEach((sample, i) => {
    const month = new Date(scenes.orbits[i].dateFrom).getUTCMonth();
    const slot = months.indexOf(month);
    best[slot] = Math.max(best[slot], index(sample.B08, sample.B04));
  });
  return best;
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            np.maximum(0, _ndvi(b.only(lambda day, month=month: day.month == month)).max(axis=0)) for month in (4, 6)
        ],
    ),
    Row(
        name="A band for each day",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "B08"],
    output: { id: "default", bands: 1, sampleType: SampleType.FLOAT32 },
    mosaicking: Mosaicking.ORBIT
  };
}

function updateOutput(outputs, collection) {
  Object.values(outputs).forEach((output) => {
    output.bands = collection.scenes.length;
  });
}

function evaluatePixel(samples) {
  return samples.map((sample) => index(sample.B08, sample.B04));
}
""",
        kinds="FLOAT32",
        expect=lambda b: list(_ndvi(b)),
    ),
    Row(
        name="A band for each scene, and its dates beside it",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["SCL"], units: "DN" }],
    output: [{ id: "scl", bands: 1, sampleType: "UINT8" }],
    mosaicking: "ORBIT"
  }
}

function evaluatePixel(samples) {
  const n_observations = samples.length;
  let band = new Array(n_observations).fill(0);
  samples.forEach((sample, index) => {
    band[index] = sample.SCL;
  });
  return { scl: band }
}

function updateOutput(outputs, collections) {
  outputs.scl.bands = collections.scenes.length;
}

function updateOutputMetadata(scenes, inputMetadata, outputMetadata) {
  var dates = [];
  for (i = 0; i < scenes.orbits.length; i++) {
    dates.push(scenes.orbits[i].dateFrom);
  }
  outputMetadata.userData = { "dates": JSON.stringify(dates), factor: inputMetadata.normalizationFactor }
}
""",
        kinds={"scl": "UINT8"},
        expect=lambda b: list(b.SCL),
        userdata=lambda b: {
            "dates": "[" + ",".join(f'"{day}T00:00:00Z"' for day in b.dates) + "]",
            "factor": 0.0001,
        },
    ),
    Row(
        name="The day of the year of the greenest observation",
        data=(SPRING,),
        script="""//VERSION=3
function setup() {
  return { input: ["B04", "B08", "dataMask"], output: { bands: 1, sampleType: "UINT16" }, mosaicking: "ORBIT" };
}

function dayOfYear(date) {
  var start = Date.UTC(date.getUTCFullYear(), 0, 0);
  return Math.floor((date.getTime() - start) / 86400000);
}

function evaluatePixel(samples, scenes) {
  let best = -1, day = 0;
  for (let i = 0; i < samples.length; i++) {
    if (!samples[i].dataMask) continue;
    const ndvi = index(samples[i].B08, samples[i].B04);
    if (ndvi > best) {
      best = ndvi;
      day = dayOfYear(new Date(scenes.orbits[i].dateFrom));
    }
  }
  return [day];
}
""",
        kinds="UINT16",
        expect=lambda b: np.array([day.timetuple().tm_yday for day in b.dates])[
            np.where(b.dataMask == 1, _ndvi(b), -2).argmax(axis=0)
        ],
    ),
    Row(
        name="A straight line through the days",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "B08", "dataMask"],
    output: { bands: 1, sampleType: "FLOAT32" },
    mosaicking: "ORBIT",
  };
}

const START = new Date("2022-06-01T00:00:00Z");

function slope(points) {
  const n = points.length;
  let sx = 0, sy = 0, sxy = 0, sxx = 0;
  for (const [x, y] of points) {
    sx += x; sy += y; sxy += x * y; sxx += x * x;
  }
  const below = n * sxx - sx * sx;
  return below === 0 ? 0 : (n * sxy - sx * sy) / below;
}

function evaluatePixel(samples, scenes) {
  const points = [];
  samples.forEach(({ B04, B08, dataMask }, i) => {
    if (!dataMask) return;
    const days = (new Date(scenes.orbits[i].dateFrom) - START) / (24 * 60 * 60 * 1000);
    points.push([days, index(B08, B04)]);
  });
  return [slope(points)];
}
""",
        kinds="FLOAT32",
        expect=_slope,
    ),
    Row(
        name="The three days nearest to a date",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return { input: ["B8A"], output: { bands: 3, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
var wanted = Date.parse("2022-06-15");
function preProcessScenes(collections) {
  var far = (o) => Math.abs(new Date(o.dateFrom).getTime() - wanted);
  collections.scenes.orbits.sort((a, b) => far(a) - far(b));
  collections.scenes.orbits = collections.scenes.orbits.slice(0, 3);
  return collections;
}
function evaluatePixel(samples) {
  return [0, 1, 2].map((i) => (samples[i] || { B8A: 0 }).B8A);
}
""",
        kinds="FLOAT32",
        expect=lambda b: list(
            b.B8A[sorted(range(b.count), key=lambda n: abs((b.dates[n] - date(2022, 6, 15)).days))[:3]]
        ),
    ),
    Row(
        name="Scenes as an array with dates, the older way",
        data=(ORBIT,),
        warned=("W017",),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "dataMask"],
    output: { bands: 2, sampleType: "FLOAT32" },
    mosaicking: "ORBIT"
  };
}
function evaluatePixel(samples, scenes) {
  for (var i = 0; i < samples.length; i++) {
    if (samples[i].dataMask == 1 && scenes[i].date.getMonth() == 5) {
      return [samples[i].B04, scenes[i].date.getTime() / 86400000];
    }
  }
  return [0, 0];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            first(b.B04, seen := b.dataMask == 1),
            first(np.broadcast_to([[(day - date(1970, 1, 1)).days] for day in b.dates], seen.shape), seen),
        ],
    ),
    Row(
        name="A band for each orbit, counted where it is not documented",
        data=(ORBIT,),
        warned=("W018",),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["CLM"] }],
    output: { bands: 1, sampleType: "UINT8" },
    mosaicking: Mosaicking.ORBIT
  };
}
function updateOutput(output, collection) {
  output.default.bands = Math.max(1, collection.scenes.orbits.length);
}
function evaluatePixel(samples) {
  if (samples.length === 0) return [255];
  return samples.map((sample) => sample.CLM);
}
""",
        kinds="UINT8",
        expect=lambda b: list(b.CLM),
    ),
    Row(
        name="filterScenes, as the service's own example has it",
        data=(ORBIT,),
        warned=("W008",),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "dataMask"],
    output: { bands: 3 },
    mosaicking: "ORBIT"
  };
}
function filterScenes(scenes, inputMetadata) {
  return scenes.filter(function (scene) {
    return scene.date.getTime() >= (inputMetadata.to.getTime() - 365 * 24 * 3600 * 1000);
  });
}
function evaluatePixel(samples) {
  var valid = samples.filter(function (s) { return s.dataMask; });
  if (!valid.length) return [0, 0, 0];
  return ["B04", "B03", "B02"].map(function (band) {
    return valid.reduce(function (sum, s) { return sum + s[band]; }, 0) / valid.length;
  });
}
""",
        expect=lambda b: [over(v, b.dataMask == 1, "mean") for v in (b.B04, b.B03, b.B02)],
    ),
)
