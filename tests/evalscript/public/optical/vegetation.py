"""Indices of vegetation by Sentinel-2: raw, coloured by thresholds, and by ramps."""

import numpy as np

from tests.evalscript.public.row import Feed, Row
from tests.support.oracles import blend, nd, pick, ramp, ratio

L1C = Feed(type="sentinel-2-l1c")

ROWS = (
    Row(
        name="NDVI in a ladder of colours",
        script="""//VERSION=3
function setup() {
    return {
        input: ["B04", "B08", "dataMask"],
        output: { bands: 4 }
    };
}

function evaluatePixel(samples) {
    let val = index(samples.B08, samples.B04);
    let imgVals = null;

    if (val < -0.2) imgVals = [0, 0, 0];
    else if (val < 0) imgVals = [0.65, 0.65, 0.65];
    else if (val < 0.2) imgVals = [1, 0.98, 0.8];
    else if (val < 0.4) imgVals = [0.57, 0.75, 0.32];
    else if (val < 0.6) imgVals = [0.31, 0.54, 0.18];
    else imgVals = [0, 0.27, 0];

    imgVals.push(samples.dataMask)
    return imgVals
}
""",
        expect=lambda b: [
            *pick(
                ((v := nd(b.B08, b.B04)) < -0.2, (0, 0, 0)),
                (v < 0, (0.65, 0.65, 0.65)),
                (v < 0.2, (1, 0.98, 0.8)),
                (v < 0.4, (0.57, 0.75, 0.32)),
                (v < 0.6, (0.31, 0.54, 0.18)),
                other=(0, 0.27, 0),
            ),
            b.dataMask,
        ],
    ),
    Row(
        name="NDVI as it is, with a no-data value",
        script="""//VERSION=3
// Normalized Difference Vegetation Index
function setup() {
  return {
    input: [{ bands: ["B04", "B08", "dataMask"], units: "REFLECTANCE" }],
    output: { id: "default", bands: 1, sampleType: SampleType.FLOAT32, nodataValue: -9999 },
  };
}

function evaluatePixel(sample) {
  if (sample.dataMask == 0) return [-9999];
  return [(sample.B08 - sample.B04) / (sample.B08 + sample.B04)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.where(b.dataMask == 0, -9999, nd(b.B08, b.B04)),
    ),
    Row(
        name="EVI, clamped and painted",
        script="""//VERSION=3
const moistureRamp = [
  [-0.2, 0xbfbfbf],
  [0, 0xebebeb],
  [0.2, 0xc8c682],
  [0.4, 0x91bf52],
  [0.8, 0x004400]
];
const viz = new ColorRampVisualizer(moistureRamp);

function setup() {
  return { input: ["B02", "B04", "B08"], output: { bands: 3 } };
}

function evaluatePixel(s) {
  const evi = 2.5 * (s.B08 - s.B04) / ((s.B08 + 6.0 * s.B04 - 7.5 * s.B02) + 1.0);
  return viz.process(evi);
}
""",
        expect=lambda b: ramp(
            2.5 * (b.B08 - b.B04) / ((b.B08 + 6 * b.B04 - 7.5 * b.B02) + 1),
            [(-0.2, 0xBFBFBF), (0, 0xEBEBEB), (0.2, 0xC8C682), (0.4, 0x91BF52), (0.8, 0x004400)],
        ),
    ),
    Row(
        name="EVI2 with colorBlend",
        script="""//VERSION=3 (auto-converted from 1)
function setup() {
  return {
    input: [{
      bands: [
          "B04",
          "B08"
      ]
    }],
    output: { bands: 3 }
  }
}
// EVI of two bands
function evaluatePixel(sample) {
  let evi2 = 2.4 * (sample.B08 - sample.B04) / (sample.B08 + sample.B04 + 1.0);
  return colorBlend(evi2, [0.0, 0.5, 1.0], [[0, 0, 0], [0.2, 0.6, 0.1], [1, 1, 1]]);
}
""",
        expect=lambda b: blend(
            2.4 * (b.B08 - b.B04) / (b.B08 + b.B04 + 1), (0, 0.5, 1), ((0, 0, 0), (0.2, 0.6, 0.1), (1, 1, 1))
        ),
    ),
    Row(
        name="SAVI with its soil factor as a constant",
        script="""//VERSION=3
const L = 0.428; // soil brightness correction factor, 0 to 1

function setup() {
  return { input: ["B04", "B08"], output: { bands: 1, sampleType: "FLOAT32" } };
}

const evaluatePixel = ({ B04, B08 }) => [(B08 - B04) / (B08 + B04 + L) * (1.0 + L)];
""",
        kinds="FLOAT32",
        expect=lambda b: (b.B08 - b.B04) / (b.B08 + b.B04 + 0.428) * 1.428,
    ),
    Row(
        name="MSAVI2 with a square root",
        script="""//VERSION=3
function setup() {
\treturn {
\t\tinput: ["B04", "B08", "dataMask"],
\t\toutput: { bands: 2, sampleType: "FLOAT32" }
\t};
}
function evaluatePixel(sample) {
\tvar a = 2 * sample.B08 + 1;
\tvar msavi = (a - Math.sqrt(Math.pow(a, 2) - 8 * (sample.B08 - sample.B04))) / 2;
\treturn [msavi, sample.dataMask];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            ((a := 2 * b.B08 + 1) - np.sqrt(a**2 - 8 * (b.B08 - b.B04))) / 2,
            b.dataMask,
        ],
    ),
    Row(
        name="GNDVI on a scale of signed bytes",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B03", "B08"],
    output: { bands: 1, sampleType: "INT8" }
  };
}
function evaluatePixel(s) {
  return [100 * index(s.B08, s.B03)];
}
""",
        kinds="INT8",
        expect=lambda b: 100 * nd(b.B08, b.B03),
    ),
    Row(
        name="NDRE times ten thousand as INT16",
        script="""//VERSION=3

function setup() {
  return {
    input: [{
      bands: ["B05", "B07", "dataMask"]
    }],
    output: {
      bands: 1,
      sampleType: "INT16",
      nodataValue: -32768
    }
  }
}

function evaluatePixel(sample) {
  return sample.dataMask ? [10000 * (sample.B07 - sample.B05) / (sample.B07 + sample.B05)] : [-32768];
}
""",
        kinds="INT16",
        expect=lambda b: np.where(b.dataMask == 1, 10000 * nd(b.B07, b.B05), -32768),
    ),
    Row(
        name="ARVI through a helper function",
        data=(L1C,),
        script="""//VERSION=3
let y = 0.106;

function arvi(nir, red, blue) {
  let redBlue = red - y * (red - blue);
  return (nir - redBlue) / (nir + redBlue);
}

function setup() {
  return {
    input: ["B02", "B04", "B09"],
    output: { id: "default", bands: 1, sampleType: "FLOAT32" }
  };
}

function evaluatePixel(samples) {
  return { default: [arvi(samples.B09, samples.B04, samples.B02)] };
}
""",
        kinds="FLOAT32",
        expect=lambda b: (b.B09 - (r := b.B04 - 0.106 * (b.B04 - b.B02))) / (b.B09 + r),
    ),
    Row(
        name="SIPI between two thresholds",
        script="""//VERSION=3
function setup(){return{input:["B01","B04","B08"],output:{bands:3}}}
function evaluatePixel(s){
const SIPI=(s.B08-s.B01)/(s.B08-s.B04)
return SIPI<0?[0,0,0]:SIPI<1?[0.2,0.3,0.8]:SIPI<1.2?[0.1,0.7,0.2]:[0.9,0.8,0.1]
}""",
        expect=lambda b: pick(
            ((v := (b.B08 - b.B01) / (b.B08 - b.B04)) < 0, (0, 0, 0)),
            (v < 1, (0.2, 0.3, 0.8)),
            (v < 1.2, (0.1, 0.7, 0.2)),
            other=(0.9, 0.8, 0.1),
        ),
    ),
    Row(
        name="PSRI in one band, stretched",
        script="""//VERSION=3
function setup() {
  return { input: ["B02", "B04", "B06", "dataMask"], output: { bands: 2 } };
}
// minimum and maximum of the stretch
var minVal = -0.2;
var maxVal = 0.4;
var viz = new DefaultVisualizer(minVal, maxVal);

function evaluatePixel(samples) {
  let val = (samples.B04 - samples.B02) / samples.B06;
  return [viz.process(val), samples.dataMask];
}
""",
        expect=lambda b: [
            np.clip((ratio(b.B04 - b.B02, b.B06) + 0.2) / 0.6, 0, 1) * b.dataMask,
            b.dataMask,
        ],
    ),
    Row(
        name="Red-edge chlorophyll, masked with NaN",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B05", "B07", "SCL"],
    output: { bands: 1, sampleType: "FLOAT32" }
  };
}
function evaluatePixel(s) {
  if ([3, 8, 9, 10].includes(s.SCL)) { return [NaN]; }
  return [Math.pow((s.B07 / s.B05), (-1.0))];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.where(np.isin(b.SCL, (3, 8, 9, 10)) | (b.B05 == 0), np.nan, b.B05 / b.B07),
    ),
)
