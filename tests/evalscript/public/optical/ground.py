"""Indices of water, snow, fire, soil and towns by Sentinel-2."""

import numpy as np

from tests.evalscript.public.row import COAST, Feed, Row
from tests.support.oracles import blend, nd, pick, ramp

L1C = Feed(type="sentinel-2-l1c")

ROWS = (
    Row(
        name="NDWI in blue and green",
        box=COAST,
        script="""//VERSION=3
// ndwi
const colorRamp1 = [
  [0, 0xFFFFFF],
  [1, 0x008000]
];
const colorRamp2 = [
  [0, 0xFFFFFF],
  [1, 0x0000CC]
];

let viz1 = new ColorRampVisualizer(colorRamp1);
let viz2 = new ColorRampVisualizer(colorRamp2);

function setup() {
  return {
    input: ["B03", "B08", "dataMask"],
    output: { bands: 4 }
  };
}

function evaluatePixel(samples) {
  let val = index(samples.B03, samples.B08);
  let imgVals;
  if (val < 0) {
    imgVals = [...viz1.process(-val), samples.dataMask];
  } else {
    imgVals = [...viz2.process(Math.sqrt(Math.sqrt(val))), samples.dataMask];
  }
  return imgVals;
}
""",
        expect=lambda b: [
            *(
                np.where(v < 0, land, sea)
                for v in [nd(b.B03, b.B08)]
                for land, sea in zip(
                    ramp(-v, [(0, 0xFFFFFF), (1, 0x008000)]),
                    ramp(np.maximum(v, 0) ** 0.25, [(0, 0xFFFFFF), (1, 0x0000CC)]),
                    strict=True,
                )
            ),
            b.dataMask,
        ],
    ),
    Row(
        name="NDMI with valueInterpolate",
        script="""//VERSION=3
function setup() {
  return { input: ["B8A", "B11"], output: { bands: 3, sampleType: "AUTO" } };
}
function evaluatePixel(samples) {
  const ndmi = index(samples.B8A, samples.B11);
  return valueInterpolate(ndmi, [-0.25, -0.1, 0, 0.1, 0.3], [
    [0.5, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0.5]
  ]);
}
""",
        expect=lambda b: blend(
            nd(b.B8A, b.B11),
            (-0.25, -0.1, 0, 0.1, 0.3),
            ((0.5, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 1), (0, 0, 0.5)),
        ),
    ),
    Row(
        name="NBR in bytes with an opaque alpha",
        media="image/png",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B08", "B12", "dataMask"],
    output: { bands: 4, sampleType: "UINT8" }
  };
}

function evaluatePixel(sample) {
  var nbr = index(sample.B08, sample.B12);
  var byte = 255 * Math.max(0, Math.min(1, (nbr + 1) / 2));
  return [byte, byte, byte, sample.dataMask * 255];
}
""",
        kinds="UINT8",
        expect=lambda b: [*(3 * [255 * np.clip((nd(b.B08, b.B12) + 1) / 2, 0, 1)]), 255 * b.dataMask],
    ),
    Row(
        name="NDSI: snow in blue over a natural picture",
        data=(Feed(times="2022-03-01/2022-03-31"),),
        box=(14.9, 47.4, 15.05, 47.5),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "B11", "dataMask"],
    output: { bands: 4 }
  };
}

function evaluatePixel(samples) {
    let val = index(samples.B03, samples.B11);

    if (val > 0.42)
        return [0, 0.8, 1, samples.dataMask];
    else
        return [2.5 * samples.B04, 2.5 * samples.B03, 2.5 * samples.B02, samples.dataMask];
}
""",
        expect=lambda b: [
            *pick((nd(b.B03, b.B11) > 0.42, (0, 0.8, 1)), other=(2.5 * b.B04, 2.5 * b.B03, 2.5 * b.B02)),
            b.dataMask,
        ],
    ),
    Row(
        name="Bare soil index over vegetation and built-up land",
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "B08", "B11", "B12", "dataMask"],
    output: { bands: 4 }
  };
}
function evaluatePixel(samples) {
  let NDVI = index(samples.B08, samples.B04);
  let dry = samples.B11 + samples.B04, wet = samples.B08 + samples.B02;
  let BSI = (dry - wet) / (dry + wet);
  let NDBI = index(samples.B11, samples.B08);
  return [2.5 * BSI, 2.5 * NDVI * (samples.B12 > 0 ? 1 : 0), 1.0 * (NDBI + samples.B03), samples.dataMask];
}
""",
        expect=lambda b: [
            2.5 * nd(b.B11 + b.B04, b.B08 + b.B02),
            2.5 * nd(b.B08, b.B04) * (b.B12 > 0),
            nd(b.B11, b.B08) + b.B03,
            b.dataMask,
        ],
    ),
    Row(
        name="MNDWI in classes by a switch",
        box=COAST,
        script="""//VERSION=3
function setup() {
  return { input: ["B03", "B11"], output: { bands: 1, sampleType: "UINT8" } };
}

function evaluatePixel(sample) {
  const mndwi = index(sample.B03, sample.B11);
  switch (true) {
    case mndwi > 0.3: return [3];
    case mndwi > 0: return [2];
    case mndwi > -0.4: return [1];
    default: return [0];
  }
}
""",
        kinds="UINT8",
        expect=lambda b: np.digitize(nd(b.B03, b.B11), [-0.4, 0, 0.3], right=True),
    ),
    Row(
        name="BAIS2, the burned area index of four roots",
        data=(Feed(filters="mosaickingOrder: leastCC"),),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B04", "B06", "B07", "B8A", "B12"] }],
    output: { bands: 1, sampleType: "FLOAT32" },
    mosaicking: "SIMPLE",
  };
}

function evaluatePixel(samples) {
  const { B04, B06, B07, B8A, B12 } = samples;
  return [(1 - Math.sqrt((B06 * B07 * B8A) / B04)) * ((B12 - B8A) / Math.sqrt(B12 + B8A) + 1)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: (1 - np.sqrt(b.B06 * b.B07 * b.B8A / b.B04)) * ((b.B12 - b.B8A) / np.sqrt(b.B12 + b.B8A) + 1),
    ),
    Row(
        name="Floating algae by a line between wavelengths",
        box=COAST,
        script="""//VERSION=3
const wl = { B04: 664.6, B08: 832.8, B11: 1613.7 };
function setup() {
  return { input: Object.keys(wl), output: { bands: 1, sampleType: "FLOAT32" } };
}
function evaluatePixel(s) {
  const base = s.B04 + (s.B11 - s.B04) * (wl.B08 - wl.B04) / (wl.B11 - wl.B04);
  return [s.B08 - base];
}
""",
        kinds="FLOAT32",
        expect=lambda b: b.B08 - (b.B04 + (b.B11 - b.B04) * (832.8 - 664.6) / (1613.7 - 664.6)),
    ),
)
