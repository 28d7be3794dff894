"""Composites of Sentinel-2: true and false colours, stretches, gamma, saturation, and formats for people."""

import numpy as np

from tests.evalscript.public.row import COAST, Feed, Row
from tests.support.oracles import compress, nd, pick, ratio

L1C = Feed(type="sentinel-2-l1c")


ROWS = (
    Row(
        name="True colour, two and a half times as bright",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04"],
    output: { bands: 3 }
  };
}

function evaluatePixel(sample) {
  return [2.5 * sample.B04, 2.5 * sample.B03, 2.5 * sample.B02];
}
""",
        expect=lambda b: [2.5 * b.B04, 2.5 * b.B03, 2.5 * b.B02],
    ),
    Row(
        name="True colour with a transparent edge, as PNG",
        media="image/png",
        script="""//VERSION=3
let minVal = 0.0;
let maxVal = 0.4;

let viz = new HighlightCompressVisualizer(minVal, maxVal);

function setup() {
  return {
    input: ["B04", "B03", "B02","dataMask"],
    output: { bands: 4 }
  };
}

function evaluatePixel(samples) {
  let val = [samples.B04, samples.B03, samples.B02, samples.dataMask];
  return viz.processList(val);
}
""",
        # the mask passes the visualizer too: 1 is above its maximum
        expect=lambda b: [compress(each, 0, 0.4) for each in (b.B04, b.B03, b.B02, b.dataMask)],
    ),
    Row(
        name="True colour with a gamma of its own, as JPEG",
        media="image/jpeg",
        script="""//VERSION=3
var gain = 3.1, gamma = 1.8;
function adjust(x) { return Math.pow(Math.max(0, gain * x), 1 / gamma); }
function setup() { return { input: ["B02", "B03", "B04"], output: { bands: 3, sampleType: "AUTO" } }; }
function evaluatePixel(s) {
  return [s.B04, s.B03, s.B02].map(adjust);
}
""",
        expect=lambda b: [np.power(3.1 * each, 1 / 1.8) for each in (b.B04, b.B03, b.B02)],
    ),
    Row(
        name="True colour with more saturation",
        data=(L1C,),
        script="""//VERSION=3
function setup() {
  return { input: ["B02", "B03", "B04"], output: { bands: 3 } };
}

const clip = (s) => s < 0 ? 0 : s > 1 ? 1 : s;

// saturation: every colour moves away from the mean of the three
function saturate(r, g, b) {
  const avg = (r + g + b) / 3.0 * (1 - 1.5);
  return [clip(avg + r * 1.5), clip(avg + g * 1.5), clip(avg + b * 1.5)];
}

function evaluatePixel(p) {
  return saturate(3 * p.B04, 3 * p.B03, 3 * p.B02);
}
""",
        expect=lambda b: [np.clip((b.B04 + b.B03 + b.B02) * -0.5 + 4.5 * each, 0, 1) for each in (b.B04, b.B03, b.B02)],
    ),
    Row(
        name="True colour with haze taken off and a sigmoid",
        data=(L1C,),
        script="""//VERSION=3
function setup() {
    return {
        input: [{ bands: ["B02", "B03", "B04", "B12"] }],
        output: { bands: 3 }
    };
}

function stretch(value, min, max) {
    return (value - min) / (max - min);
}

function sigmoid(value, middle, steepness) {
    return 1 / (1 + Math.exp(-steepness * (value - middle)));
}

function evaluatePixel(sample) {
    var haze = [0.013, 0.024, 0.041];
    var bands = [sample.B04, sample.B03, sample.B02];
    var out = [];
    for (var i = 0; i < bands.length; i++) {
        out[i] = sigmoid(stretch(bands[i], haze[i], 0.35 + sample.B12 * 0), 0.4, 6);
    }
    return out;
}
""",
        expect=lambda b: [
            1 / (1 + np.exp(-6 * ((band - haze) / (0.35 - haze) - 0.4)))
            for band, haze in ((b.B04, 0.013), (b.B03, 0.024), (b.B02, 0.041))
        ],
    ),
    Row(
        name="Short-wave infrared",
        script="""//VERSION=3
let viz = new HighlightCompressVisualizer(0.0, 0.4);

function evaluatePixel(samples) {
  let val = [samples.B12, samples.B8A, samples.B04];
  val = viz.processList(val);
  val.push(samples.dataMask);
  return val;
}

function setup() {
  return {
    input: [{
      bands: ["B12", "B8A", "B04", "dataMask"]
    }],
    output: { bands: 4 }
  }
}
""",
        expect=lambda b: [*(compress(each, 0, 0.4) for each in (b.B12, b.B8A, b.B04)), b.dataMask],
    ),
    Row(
        name="False colour by names in a list",
        script="""//VERSION=3
const bands = ["B08", "B04", "B03"];
const factor = 2.5;

function setup() {
  return { input: [...bands, "dataMask"], output: { bands: bands.length + 1 } };
}

function evaluatePixel(sample) {
  return [...bands.map((name) => factor * sample[name]), sample.dataMask];
}
""",
        expect=lambda b: [2.5 * b.B08, 2.5 * b.B04, 2.5 * b.B03, b.dataMask],
    ),
    Row(
        name="False colour of towns",
        script="""//VERSION=3
function setup() { return { input: ['B12','B11','B04'], output: { bands: 3 } } }
var f = 2.2
function evaluatePixel(s) { return [f * s.B12, f * s.B11, f * s.B04] }
""",
        expect=lambda b: [2.2 * b.B12, 2.2 * b.B11, 2.2 * b.B04],
    ),
    Row(
        name="Agriculture, of a gain for each band",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B08", "B11"],
    output: { bands: 3 },
  };
}
const gains = { B11: 2.1, B08: 1.9, B02: 4 };
function evaluatePixel(sample) {
  return Object.entries(gains).map(([band, gain]) => sample[band] * gain);
}
""",
        expect=lambda b: [2.1 * b.B11, 1.9 * b.B08, 4 * b.B02],
    ),
    Row(
        name="Geology of band ratios, guarded against zero",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B04", "B08", "B11", "B12"],
    output: { bands: 3 }
  };
}
function ratio(a, b) { return b === 0 ? 0 : a / b; }
function evaluatePixel(s) {
  return [
    ratio(s.B12, s.B11) / 1.5,
    0.5 * ratio(s.B04, s.B02) / 2,
    ratio(s.B11, s.B08) / 3
  ];
}
""",
        expect=lambda b: [
            ratio(b.B12, b.B11) / 1.5,
            0.5 * ratio(b.B04, b.B02) / 2,
            ratio(b.B11, b.B08) / 3,
        ],
    ),
    Row(
        name="Burning and burnt land over a picture",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "B08", "B11", "B12"],
    output: { bands: 3 }
  };
}

function evaluatePixel(s) {
  var NDWI = index(s.B03, s.B08), NDVI = index(s.B08, s.B04);
  var INDEX = ((s.B11 - s.B12) / (s.B11 + s.B12)) + s.B08;

  if (NDWI > 0.15) return [0, 0.2, 1.0 * NDWI]
  if (INDEX > 0.1 && NDVI < 0.3) return [2.5 * s.B04, 2.5 * s.B03, 2.5 * s.B02]
  if (s.B11 + s.B12 > 1) return [1.0, 0.5, 0.0]
  return [2.5 * s.B04 * 0.5, 2.5 * s.B03 * 0.6, 2.5 * s.B02]
}
""",
        expect=lambda b: pick(
            ((w := nd(b.B03, b.B08)) > 0.15, (0, 0.2, w)),
            ((nd(b.B11, b.B12) + b.B08 > 0.1) & (nd(b.B08, b.B04) < 0.3), (2.5 * b.B04, 2.5 * b.B03, 2.5 * b.B02)),
            (b.B11 + b.B12 > 1, (1, 0.5, 0)),
            other=(1.25 * b.B04, 1.5 * b.B03, 2.5 * b.B02),
        ),
    ),
    Row(
        name="Reflectance times ten thousand in UINT16",
        script="""//VERSION=3
function setup() {
  return {
    input: [{
      bands: ["B02", "B03", "B04", "B08"],
      units: "DN"
    }],
    output: {
      id: "default",
      bands: 4,
      sampleType: SampleType.UINT16
    }
  }
}

function evaluatePixel(sample) {
  return [sample.B02, sample.B03, sample.B04, sample.B08]
}
""",
        kinds="UINT16",
        expect=lambda b: [b.read(band, "DN") for band in ("B02", "B03", "B04", "B08")],
    ),
    Row(
        name="Two units beside each other",
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B04", "B08", "SCL", "AOT"], units: ["reflectance", "DN", "DN", "optical_depth"] }],
    output: { bands: 4, sampleType: "FLOAT32" },
  };
}
function evaluatePixel(sample) {
  return [sample.B04, sample.B08 / 10000, sample.SCL, sample.AOT];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [b.B04, b.read("B08", "DN") / 10000, b.SCL, b.AOT],
    ),
    Row(
        name="A picture in sixteen bits per colour",
        media="image/png",
        script="""//VERSION=3
function setup() {
  return { input: ["B02", "B03", "B04"], output: { bands: 3, sampleType: "UINT16" } };
}
function evaluatePixel({B04: r, B03: g, B02: b}) {
  const f = 65535 / 0.4;
  return [r * f, g * f, b * f];
}
""",
        kinds="UINT16",
        expect=lambda b: [b.B04 * (f := 65535 / 0.4), b.B03 * f, b.B02 * f],
    ),
    Row(
        name="Clear water in the depths of the sea, bands divided by logarithms",
        box=COAST,
        script="""//VERSION=3
// a relative depth from the ratio of logarithms, where there is water
function setup() {
  return { input: ["B02", "B03", "B08", "dataMask"], output: { bands: 3, sampleType: "FLOAT32" } };
}
function evaluatePixel(s) {
  if (!s.dataMask) return [0, 0, 0];
  var n = 1000, depth = Math.log(n * s.B02) / Math.log(n * s.B03);
  return s.B08 < 0.05 ? [depth, s.B02, 1] : [0, s.B03, 0];
}
""",
        kinds="FLOAT32",
        expect=lambda b: pick(
            (b.B08 < 0.05, (np.log(1000 * b.B02) / np.log(1000 * b.B03), b.B02, 1)), other=(0, b.B03, 0)
        ),
    ),
    Row(
        name="Grey from the brightest band",
        media="image/png",
        script="""//VERSION=3
function setup() { return { input: ["B02", "B03", "B04"], output: { bands: 1 } }; }
function evaluatePixel(sample) {
  let best = -Infinity;
  for (const band in sample) best = Math.max(best, sample[band]);
  return [best];
}
""",
        expect=lambda b: np.maximum.reduce([b.B02, b.B03, b.B04]),
    ),
)
