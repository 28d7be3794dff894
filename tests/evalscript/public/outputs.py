"""What comes out: several outputs, every sample type, many bands, user data, and no data."""

import numpy as np

from tests.evalscript.public.row import Feed, Row
from tests.support.oracles import nd, ramp

ALL = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")

ROWS = (
    Row(
        name="A picture, its index, statistics and mask",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "B08", "SCL", "dataMask"],
    output: [
      { id: "default", bands: 4 },
      { id: "index", bands: 1, sampleType: "FLOAT32" },
      { id: "eobrowserStats", bands: 2, sampleType: "FLOAT32" },
      { id: "dataMask", bands: 1 }
    ]
  };
}

const viz = new ColorRampVisualizer([[-0.5, 0x0c0c0c], [0, 0xeaeaea], [0.5, 0x609c35], [1, 0x004400]]);

function isCloud(scl) {
  if (scl == 3) return false;      // SC_CLOUD_SHADOW
  else if (scl == 9) return true;  // SC_CLOUD_HIGH_PROBA
  else if (scl == 8) return true;  // SC_CLOUD_MEDIUM_PROBA
  else if (scl == 10) return true; // SC_THIN_CIRRUS
  else return false;
}

function evaluatePixel(samples) {
  let val = index(samples.B08, samples.B04);
  // the library for tiffs works well only if there is only one channel returned
  const indexVal = samples.dataMask === 1 ? val : NaN;
  return {
    default: [...viz.process(val), samples.dataMask],
    index: [indexVal],
    eobrowserStats: [val, isCloud(samples.SCL) ? 1 : 0],
    dataMask: [samples.dataMask]
  };
}
""",
        kinds={"default": "AUTO", "index": "FLOAT32", "eobrowserStats": "FLOAT32", "dataMask": "AUTO"},
        expect=lambda b: {
            "default": [
                *ramp(v := nd(b.B08, b.B04), [(-0.5, 0x0C0C0C), (0, 0xEAEAEA), (0.5, 0x609C35), (1, 0x004400)]),
                b.dataMask,
            ],
            "index": [np.where(b.dataMask == 1, v, np.nan)],
            "eobrowserStats": [v, np.isin(b.SCL, (8, 9, 10))],
            "dataMask": [b.dataMask],
        },
    ),
    Row(
        name="All twelve bands in their order",
        script="""//VERSION=3
const BANDS = [
  "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12",
];
function setup() {
  return {
    input: [{ bands: BANDS, units: "DN" }],
    output: { bands: BANDS.length, sampleType: "INT16" },
  };
}
function evaluatePixel(sample) {
  return BANDS.map((band) => sample[band]);
}
""",
        kinds="INT16",
        expect=lambda b: [b.read(band, "DN") for band in ALL],
    ),
    Row(
        name="Each group of bands in an output of its own",
        script="""//VERSION=3
function setup() {
  return {
    input: [{
      bands: ["B02", "B03", "B04", "B05", "B06", "B07", "SCL"],
      units: ["DN", "DN", "DN", "DN", "DN", "DN", "DN"]
    }],
    output: [
      { id: "visible", bands: 3, sampleType: "UINT16", nodataValue: 0 },
      { id: "red_edge", bands: 3, sampleType: "UINT16", nodataValue: 0 },
      { id: "SCL", bands: 1, sampleType: "UINT8", nodataValue: 0 }
    ]
  };
}
function evaluatePixel(s) {
  return {
    SCL: [s.SCL],
    visible: [s.B02, s.B03, s.B04],
    red_edge: [s.B05, s.B06, s.B07],
  };
}
""",
        kinds={"visible": "UINT16", "red_edge": "UINT16", "SCL": "UINT8"},
        expect=lambda b: {
            "visible": [b.read(band, "DN") for band in ("B02", "B03", "B04")],
            "red_edge": [b.read(band, "DN") for band in ("B05", "B06", "B07")],
            "SCL": [b.SCL],
        },
    ),
    Row(
        name="One number in every sample type",
        script="""//VERSION=3
const types = ["INT8", "UINT8", "INT16", "UINT16", "FLOAT32", "AUTO"];
function setup() {
  return {
    input: ["B08"],
    output: types.map((type) => ({ id: type.toLowerCase(), bands: 1, sampleType: SampleType[type] }))
  };
}
const scale = { int8: 300, uint8: 700, int16: 90000, uint16: 200000, float32: 1, auto: 2 };
function evaluatePixel(sample) {
  const result = {};
  for (const [id, factor] of Object.entries(scale)) result[id] = [sample.B08 * factor];
  return result;
}
""",
        kinds={name.lower(): name for name in ("INT8", "UINT8", "INT16", "UINT16", "FLOAT32", "AUTO")},
        expect=lambda b: {
            "int8": [b.B08 * 300],
            "uint8": [b.B08 * 700],
            "int16": [b.B08 * 90000],
            "uint16": [b.B08 * 200000],
            "float32": [b.B08],
            "auto": [b.B08 * 2],
        },
    ),
    Row(
        name="The constant factor of the metadata",
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B04", "B08"], units: "DN" }],
    output: { bands: 2, sampleType: "FLOAT32" }
  }
}
function evaluatePixel(sample, scenes, metadata, customData, outputMetadata) {
  const factor = metadata.normalizationFactor
  return [sample.B04 * factor, sample.B08 * factor]
}
""",
        kinds="FLOAT32",
        expect=lambda b: [b.B04, b.B08],
    ),
    Row(
        name="The highest value of all pixels, in a global",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04"],
    output: { bands: 1, sampleType: "UINT8" },
    mosaicking: "SIMPLE"
  };
}
var maximum = 0;
function evaluatePixel(sample) {
  if (sample.B04 > maximum) {
    maximum = sample.B04;
  }
  return [sample.B04 * 255];
}
function updateOutputMetadata(scenes, inputMetadata, outputMetadata) {
  outputMetadata.userData = { "maximum": maximum };
}
""",
        kinds="UINT8",
        expect=lambda b: b.B04 * 255,
        userdata=lambda b: {"maximum": b.B04.max()},
    ),
    Row(
        name="A norm and a description in the user data",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "dataMask"],
    output: [{ id: "default", bands: 1 }],
  };
}
function evaluatePixel(samples) { return [samples.B02 * 3 * samples.dataMask]; }
function updateOutputMetadata(scenes, input, output) {
  output.userData = { norm_factor: input.normalizationFactor, serviceVersion: typeof input.serviceVersion };
}
""",
        expect=lambda b: b.B02 * 3 * b.dataMask,
        userdata=lambda b: {"norm_factor": 0.0001, "serviceVersion": "string"},
    ),
    Row(
        name="An output of a name without the default one, as an array",
        data=(Feed(type="sentinel-2-l1c", filters="maxCloudCoverage: 80"),),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B10", "B8A"] }],
    output: [{ id: "cirrus", bands: 2, sampleType: "FLOAT32" }]
  };
}
function evaluatePixel(samples) {
  return [samples.B10, samples.B10 / samples.B8A];
}
""",
        kinds={"cirrus": "FLOAT32"},
        expect=lambda b: [b.B10, np.divide(b.B10, b.B8A, out=np.full_like(b.B10, np.nan), where=b.B8A != 0)],
    ),
    Row(
        name="Infinity and what is not a number, kept in floats",
        script="""//VERSION=3
function setup() {
  return { input: ["B04", "CLM"], output: { bands: 3, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  return [1 / sample.CLM, sample.CLM === 1 ? NaN : sample.B04, -1 / sample.CLM];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            np.divide(1, b.CLM, out=np.full_like(b.CLM, np.inf), where=b.CLM != 0),
            np.where(b.CLM == 1, np.nan, b.B04),
            np.divide(-1, b.CLM, out=np.full_like(b.CLM, -np.inf), where=b.CLM != 0),
        ],
    ),
    Row(
        name="Bits of several masks packed in one byte",
        script="""//VERSION=3
function setup() {
  return {
    input: ["SCL", "CLM", "B04", "B08", "dataMask"],
    output: { bands: 1, sampleType: "UINT8" }
  };
}
function evaluatePixel(s) {
  let flags = 0;
  flags |= s.dataMask;
  flags |= (s.SCL >= 8 && s.SCL <= 10) << 1;
  flags |= (s.CLM === 1) << 2;
  flags |= (index(s.B08, s.B04) > 0.5 ? 1 : 0) << 3;
  return [flags];
}
""",
        kinds="UINT8",
        expect=lambda b: (
            b.dataMask + 2 * ((b.SCL >= 8) & (b.SCL <= 10)) + 4 * (b.CLM == 1) + 8 * (nd(b.B08, b.B04) > 0.5)
        ),
    ),
    Row(
        name="Two pictures of one script as PNG",
        media="image/png",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "B08"],
    output: [{ id: "truecolor", bands: 3 }, { id: "falsecolor", bands: 3 }]
  };
}
var gain = 2.5;
function evaluatePixel(s) {
  var tc = [s.B04, s.B03, s.B02], fc = [s.B08, s.B04, s.B03];
  for (var i = 0; i < 3; i++) { tc[i] *= gain; fc[i] *= gain; }
  return { truecolor: tc, falsecolor: fc };
}
""",
        kinds={"truecolor": "AUTO", "falsecolor": "AUTO"},
        expect=lambda b: {
            "truecolor": [2.5 * b.B04, 2.5 * b.B03, 2.5 * b.B02],
            "falsecolor": [2.5 * b.B08, 2.5 * b.B04, 2.5 * b.B03],
        },
    ),
)
