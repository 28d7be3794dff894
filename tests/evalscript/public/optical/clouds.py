"""Masks of Sentinel-2: scene classes, cloud masks and probabilities, no data, and the angles of the sun."""

import numpy as np

from tests.evalscript.public.row import Feed, Row
from tests.support.oracles import nd, pick

_CLASSES = (
    *((0, 0, 0), (255, 0, 4), (134, 134, 134), (119, 76, 11), (16, 211, 45), (255, 255, 83), (0, 0, 255)),
    *((129, 129, 129), (192, 192, 192), (242, 242, 242), (187, 197, 236), (83, 255, 250)),
)

ROWS = (
    Row(
        name="Clouds of the scene classification in white",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "SCL"],
    output: { bands: 3 }
  };
}

function isCloud(scl) {
  // cloud shadow, medium and high probability of clouds, cirrus
  return [3, 8, 9, 10].indexOf(scl) >= 0;
}

function evaluatePixel(sample) {
  if (isCloud(sample.SCL)) {
    return [1, 1, 1];
  }
  return [2.5 * sample.B04, 2.5 * sample.B03, 2.5 * sample.B02];
}
""",
        expect=lambda b: pick(
            (np.isin(b.SCL, (3, 8, 9, 10)), (1, 1, 1)), other=(2.5 * b.B04, 2.5 * b.B03, 2.5 * b.B02)
        ),
    ),
    Row(
        name="Every scene class in its colour",
        script="""//VERSION=3
function RGBToColor (r, g, b, dataMask) { return [r / 255, g / 255, b / 255, dataMask]; }

function setup() {
   return {
    input: ["SCL", "dataMask"],
    output: { bands: 4 }
  };
}

function evaluatePixel(samples) {
    const SCL = samples.SCL;
    switch (SCL) {
        case 0: return RGBToColor(0, 0, 0, samples.dataMask); // no data
        case 1: return RGBToColor(255, 0, 4, samples.dataMask); // saturated
        case 2: return RGBToColor(134, 134, 134, samples.dataMask); // dark
        case 3: return RGBToColor(119, 76, 11, samples.dataMask); // cloud shadow
        case 4: return RGBToColor(16, 211, 45, samples.dataMask); // vegetation
        case 5: return RGBToColor(255, 255, 83, samples.dataMask); // bare soil
        case 6: return RGBToColor(0, 0, 255, samples.dataMask); // water
        case 7: return RGBToColor(129, 129, 129, samples.dataMask); // unclassified
        case 8: return RGBToColor(192, 192, 192, samples.dataMask); // cloud, medium
        case 9: return RGBToColor(242, 242, 242, samples.dataMask); // cloud, high
        case 10: return RGBToColor(187, 197, 236, samples.dataMask); // cirrus
        case 11: return RGBToColor(83, 255, 250, samples.dataMask); // snow
        default: return RGBToColor(0, 0, 0, samples.dataMask);
    }
}
""",
        expect=lambda b: [
            *(np.array([each[channel] for each in _CLASSES])[b.SCL.astype(int)] / 255 for channel in range(3)),
            b.dataMask,
        ],
    ),
    Row(
        name="Scene classes as they are, in bytes",
        media="image/png",
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["SCL"], units: "DN" }],
    output: { id: "default", bands: 1, sampleType: "UINT8" }
  };
}
function evaluatePixel(samples) { return [samples.SCL]; }
""",
        kinds="UINT8",
        expect=lambda b: b.SCL,
    ),
    Row(
        name="Clouds of CLM in red",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "CLM"],
    output: { bands: 3 }
  }
}

function evaluatePixel(sample) {
  if (sample.CLM == 1) {
    return [0.75 + sample.B04, sample.B03, sample.B02]
  }
  return [3.0*sample.B04, 3.0*sample.B03, 3.0*sample.B02];
}
""",
        expect=lambda b: pick((b.CLM == 1, (0.75 + b.B04, b.B03, b.B02)), other=(3 * b.B04, 3 * b.B03, 3 * b.B02)),
    ),
    Row(
        name="The probability of clouds over CLM without its no-data value",
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["CLP", "CLM", "dataMask"] }],
    output: { bands: 2, sampleType: "FLOAT32" }
  };
}
function evaluatePixel(s) {
  const clp = s.CLP / 255.0;
  return [clp, s.CLM === 255 ? NaN : s.CLM * s.dataMask];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [b.CLP / 255, np.where(b.CLM == 255, np.nan, b.CLM * b.dataMask)],
    ),
    Row(
        name="Clouds by thresholds of brightness",
        data=(Feed(type="sentinel-2-l1c"),),
        script="""//VERSION=3
// clouds are bright and grey
var bRatio = 0.175;
var NGDR = (s) => index(s.B03, s.B04);

function clip(a) { return Math.max(0, Math.min(1, a)); }

function setup() {
  return { input: ["B02", "B03", "B04", "B11"], output: { bands: 3 } };
}

function evaluatePixel(s) {
  const natural = [3 * s.B04, 3 * s.B03, 3 * s.B02].map(clip);
  if (s.B11 > 0.1 && s.B03 > bRatio && NGDR(s) > 0) { return [0.5 * natural[0] + 0.5, natural[1], natural[2]]; }
  if (s.B11 > 0.1 && s.B03 > bRatio && NGDR(s) > -0.1) { return [natural[0], natural[1], 1]; }
  return natural;
}
""",
        expect=lambda b: pick(
            (
                (bright := (b.B11 > 0.1) & (b.B03 > 0.175)) & ((g := nd(b.B03, b.B04)) > 0),
                (0.5 * np.minimum(3 * b.B04, 1) + 0.5, 3 * b.B03, 3 * b.B02),
            ),
            (bright & (g > -0.1), (3 * b.B04, 3 * b.B03, 1)),
            other=(3 * b.B04, 3 * b.B03, 3 * b.B02),
        ),
    ),
    Row(
        name="Percent of cloud and snow",
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["CLD", "SNW"], units: "PERCENT" }],
    output: { bands: 2, sampleType: "UINT8" },
    mosaicking: Mosaicking.SIMPLE
  };
}
function evaluatePixel(sample) { return [sample.CLD, sample.SNW]; }
""",
        kinds="UINT8",
        expect=lambda b: [b.CLD, b.SNW],
    ),
    Row(
        name="Where there is data at all",
        data=(Feed(filters="maxCloudCoverage: 30"),),
        script="""//VERSION=3
function setup() {
  return { input: ["dataMask"], output: { bands: 1, sampleType: "UINT8" } };
}
function evaluatePixel(s) { return [s.dataMask ? 200 : 20]; }
""",
        kinds="UINT8",
        is_flat=True,
        expect=lambda b: np.where(b.dataMask == 1, 200, 20),
    ),
    Row(
        name="A mask kept in an object of classes",
        script="""//VERSION=3
const KEEP = { 4: true, 5: true, 6: true, 11: true };
let factor = 1 / 2000;

function setup() {
  return {
    input: [{ bands: ["B02", "B03", "B04", "SCL", "dataMask"], units: "DN" }],
    output: { bands: 4 },
  };
}

function evaluatePixel(sample) {
  const visible = sample.dataMask === 1 && KEEP[sample.SCL] === true;
  const alpha = visible ? 1 : 0;
  return [sample.B04 * factor, sample.B03 * factor, sample.B02 * factor, alpha];
}
""",
        expect=lambda b: [
            *(b.read(band, "DN") / 2000 for band in ("B04", "B03", "B02")),
            np.isin(b.SCL, (4, 5, 6, 11)) & (b.dataMask == 1),
        ],
    ),
    Row(
        name="A comparison as alpha",
        media="image/png",
        script="""//VERSION=3
function setup() {
  return { input: ["B04", "B08", "SCL"], output: { bands: 2 } };
}
function evaluatePixel(sample) {
  return [index(sample.B08, sample.B04) / 2 + 0.5, sample.SCL < 7];
}
""",
        expect=lambda b: [nd(b.B08, b.B04) / 2 + 0.5, b.SCL < 7],
    ),
    Row(
        name="Brightness corrected by the height of the sun",
        script="""//VERSION=3
function setup() {
  return {
    input: [{
      bands: ["B04", "sunZenithAngles", "viewZenithMean", "sunAzimuthAngles"],
    }],
    output: [{ id: "default", bands: 3, sampleType: "FLOAT32" }],
  };
}
const RAD = Math.PI / 180;
function evaluatePixel(s) {
  return [s.B04 / Math.cos(s.sunZenithAngles * RAD), s.viewZenithMean, s.sunAzimuthAngles % 90];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            b.B04 / np.cos(np.radians(b.sunZenithAngles)),
            b.viewZenithMean,
            b.sunAzimuthAngles % 90,
        ],
    ),
    Row(
        name="Shadows brightened, clouds dimmed",
        script="""//VERSION=3
function setup() {
  return { input: ["B02", "B03", "B04", "SCL", "CLP"], output: { bands: 3 } };
}

class Light {
  constructor(sample) { this.sample = sample; }
  get factor() {
    if (this.sample.SCL === 3) return 4.5;
    return 2.5 * (1 - 0.5 * this.sample.CLP / 255);
  }
  of(...names) { return names.map((name) => this.factor * this.sample[name]); }
}

function evaluatePixel(sample) {
  return new Light(sample).of("B04", "B03", "B02");
}
""",
        expect=lambda b: [
            np.where(b.SCL == 3, 4.5, 2.5 * (1 - 0.5 * b.CLP / 255)) * each for each in (b.B04, b.B03, b.B02)
        ],
    ),
)
