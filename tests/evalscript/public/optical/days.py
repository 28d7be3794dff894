"""Several scenes in one picture: medians, means, extremes, the newest clear pixel, counts, with ORBIT and TILE."""

import numpy as np

from tests.evalscript.public.row import COAST, Feed, Row
from tests.support.oracles import at_scene, first, nd, over, quartile, ratio

ORBIT = Feed(mode="ORBIT")
BAD = (0, 1, 3, 8, 9, 10)


ROWS = (
    Row(
        name="Median of the clear days",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B02", "B03", "B04", "SCL"] }],
    output: { bands: 3 },
    mosaicking: "ORBIT"
  };
}

function getMedian(values) {
  if (values.length === 0) return 0;
  values.sort(function (a, b) { return a - b; });
  var half = Math.floor(values.length / 2);
  if (values.length % 2) return values[half];
  return (values[half - 1] + values[half]) / 2.0;
}

function validate(sample) {
  return ![0, 1, 3, 8, 9, 10].includes(sample.SCL);
}

function evaluatePixel(samples) {
  var red = [], green = [], blue = [];
  for (var i = 0; i < samples.length; i++) {
    var sample = samples[i];
    if (validate(sample)) {
      red.push(sample.B04);
      green.push(sample.B03);
      blue.push(sample.B02);
    }
  }
  return [2.5 * getMedian(red), 2.5 * getMedian(green), 2.5 * getMedian(blue)];
}
""",
        expect=lambda b: [2.5 * over(each, ~np.isin(b.SCL, BAD), "median") for each in (b.B04, b.B03, b.B02)],
    ),
    Row(
        name="Mean NDVI by reduce",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "B08", "SCL", "dataMask"],
    output: { bands: 1, sampleType: "FLOAT32" },
    mosaicking: Mosaicking.ORBIT,
  };
}

const isClear = (s) => s.dataMask === 1 && (s.SCL === 4 || s.SCL === 5 || s.SCL === 6 || s.SCL === 7);

function evaluatePixel(samples) {
  const clear = samples.filter(isClear);
  const sum = clear.reduce((total, s) => total + index(s.B08, s.B04), 0);
  return [clear.length ? sum / clear.length : 0];
}
""",
        kinds="FLOAT32",
        expect=lambda b: over(nd(b.B08, b.B04), np.isin(b.SCL, (4, 5, 6, 7)), "mean"),
    ),
    Row(
        name="Greenest pixel",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{
      bands: ["B02", "B03", "B04", "B08"],
    }],
    output: { bands: 4, sampleType: "FLOAT32" },
    mosaicking: "ORBIT",
  }
}

function calcNDVI(sample) {
  var sum = sample.B08 + sample.B04;
  return sum === 0 ? -1 : (sample.B08 - sample.B04) / sum;
}

function evaluatePixel(samples) {
  var best = -2, result = [0, 0, 0, 0];
  samples.forEach(function (sample) {
    var ndvi = calcNDVI(sample);
    if (ndvi > best) {
      best = ndvi;
      result = [sample.B04, sample.B03, sample.B02, ndvi];
    }
  });
  return result;
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            at_scene(each, v.argmax(axis=0))
            for v in [np.where(b.B08 + b.B04 == 0, -1, nd(b.B08, b.B04))]
            for each in (b.B04, b.B03, b.B02, v)
        ],
    ),
    Row(
        name="The darkest of all observations",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return { input: ["B11", "dataMask"], output: { bands: 1 }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  const values = samples.filter(s => s.dataMask).map(s => s.B11);
  return [values.length ? Math.min(...values) : 0];
}
""",
        expect=lambda b: over(b.B11, b.dataMask == 1, "min"),
    ),
    Row(
        name="First quartile of the red band",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B04", "B08", "SCL", "dataMask"] }],
    output: { bands: 2, sampleType: "FLOAT32" },
    mosaicking: "ORBIT",
  };
}

const INVALID = new Set([0, 1, 3, 8, 9, 10]);

function quartile(values) {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 4)];
}

function evaluatePixel(samples) {
  const clear = samples.filter((s) => s.dataMask && !INVALID.has(s.SCL));
  if (!clear.length) return [0, 0];
  return ["B04", "B08"].map((band) => quartile(clear.map((s) => s[band])));
}
""",
        kinds="FLOAT32",
        expect=lambda b: [quartile(each, ~np.isin(b.SCL, BAD) & (b.dataMask == 1)) for each in (b.B04, b.B08)],
    ),
    Row(
        name="Deviation from the mean",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return { input: ["B8A", "dataMask"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}

function stddev(values) {
  let n = 0, mean = 0, m2 = 0; // Welford
  for (const x of values) {
    n += 1;
    const d = x - mean;
    mean += d / n;
    m2 += d * (x - mean);
  }
  return n > 1 ? Math.sqrt(m2 / n) : 0;
}

function evaluatePixel(samples) {
  return [stddev(samples.filter(({ dataMask }) => dataMask === 1).map(({ B8A }) => B8A))];
}
""",
        kinds="FLOAT32",
        expect=lambda b: over(b.B8A, b.dataMask == 1, "std"),
    ),
    Row(
        name="How often each place was seen, and seen clear",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["SCL", "dataMask"],
    output: { id: "default", bands: 3, sampleType: "UINT8" },
    mosaicking: "ORBIT"
  };
}
function evaluatePixel(samples, scenes) {
  let seen = 0, clear = 0;
  for (let sample of samples) {
    if (sample.dataMask === 0) continue;
    seen++;
    if (sample.SCL > 3 && sample.SCL < 8) clear++;
  }
  return [scenes.orbits.length, seen, clear];
}
""",
        kinds="UINT8",
        expect=lambda b: [
            np.full(b.SCL.shape[1], b.count),
            b.dataMask.sum(axis=0),
            ((b.SCL > 3) & (b.SCL < 8)).sum(axis=0),
        ],
    ),
    Row(
        name="The newest clear pixel, else the newest of all",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B02", "B03", "B04", "CLM", "dataMask"] }],
    output: { bands: 4 },
    mosaicking: "ORBIT",
  };
}

function evaluatePixel(samples) {
  const picked = samples.find((s) => s.dataMask && s.CLM === 0) || samples.find((s) => s.dataMask);
  if (picked === undefined) {
    return [0, 0, 0, 0];
  }
  return [picked.B04, picked.B03, picked.B02].map((v) => v * 2.5).concat(1);
}
""",
        expect=lambda b: [
            *(
                2.5
                * np.where(
                    (clear := (b.CLM == 0) & (b.dataMask == 1)).any(axis=0),
                    first(v, clear),
                    first(v, b.dataMask == 1),
                )
                for v in (b.B04, b.B03, b.B02)
            ),
            (b.dataMask == 1).any(axis=0),
        ],
    ),
    Row(
        name="Clear pixels weighted by how green they are",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return { input: ["B03", "B04", "B08", "CLP"], output: { bands: 2, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  var weights = 0;
  var sums = { B03: 0, B04: 0 };
  for (i = 0; i < samples.length; i++) {
    let w = Math.max(0, index(samples[i].B08, samples[i].B04)) * (1 - samples[i].CLP / 255);
    weights += w;
    for (var key in sums) sums[key] += w * samples[i][key];
  }
  if (weights === 0) return [0, 0];
  return [sums.B03 / weights, sums.B04 / weights];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            ratio((w * v).sum(axis=0), w.sum(axis=0))
            for w in [np.maximum(0, nd(b.B08, b.B04)) * (1 - b.CLP / 255)]
            for v in (b.B03, b.B04)
        ],
    ),
    Row(
        name="Highest water of the month",
        data=(ORBIT,),
        box=COAST,
        script="""//VERSION=3
// share of clear observations in which a place was water
function setup() {
  return {
    input: [{ bands: ["B03", "B08", "dataMask"], units: ["REFLECTANCE", "REFLECTANCE", "DN"] }],
    output: [{ id: "default", bands: 1, sampleType: SampleType.UINT8 }],
    mosaicking: Mosaicking.ORBIT
  };
}
function evaluatePixel(samples) {
  var water = 0, all = 0;
  for (var i = 0, n = samples.length; i < n; i++) {
    if (!samples[i].dataMask) { continue; }
    all += 1;
    water += samples[i].B03 > samples[i].B08 ? 1 : 0;
  }
  return { default: [all ? Math.round(100 * water / all) : 255] };
}
""",
        kinds="UINT8",
        expect=lambda b: np.floor(
            100 * ((b.B03 > b.B08) & (b.dataMask == 1)).sum(axis=0) / (b.dataMask == 1).sum(axis=0) + 0.5
        ),
    ),
    Row(
        name="Median of typed arrays",
        data=(ORBIT,),
        script="""//VERSION=3
function setup() {
  return {input: ["B03", "dataMask"], output: {bands: 1, sampleType: "FLOAT32"}, mosaicking: "ORBIT"}
}
function evaluatePixel(samples) {
  const values = Float64Array.from(samples.filter(s => s.dataMask), s => s.B03).sort();
  const n = values.length;
  if (n == 0) { return [0]; }
  return [n % 2 ? values[(n - 1) / 2] : 0.5 * (values[n / 2] + values[n / 2 - 1])];
}
""",
        kinds="FLOAT32",
        expect=lambda b: over(b.B03, b.dataMask == 1, "median"),
    ),
)
