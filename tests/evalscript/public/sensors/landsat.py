"""Landsat 8 and 9: reflectance and temperature of both levels, quality bits, and what is not a number without data."""

import numpy as np

from tests.evalscript.public.row import COAST, Feed, Row
from tests.support.oracles import bit, compress, nd, over, pick, ramp

L1, L2 = Feed(type="landsat-ot-l1"), Feed(type="landsat-ot-l2")
DAYS = Feed(type="landsat-ot-l2", mode="ORBIT")

ROWS = (
    Row(
        name="Landsat true colour at the surface",
        data=(L2,),
        script="""//VERSION=3
let minVal = 0.0;
let maxVal = 0.4;
let viz = new DefaultVisualizer(minVal, maxVal);

function setup() {
  return {
    input: ["B04", "B03", "B02", "dataMask"],
    output: { bands: 4 }
  };
}

function evaluatePixel(samples) {
  let val = [samples.B04, samples.B03, samples.B02];
  return viz.processList(val).concat(samples.dataMask);
}
""",
        expect=lambda b: [*(np.clip(each / 0.4, 0, 1) for each in (b.B04, b.B03, b.B02)), b.dataMask],
    ),
    Row(
        name="Landsat false colour with highlights kept",
        data=(L1,),
        script="""//VERSION=3

let viz = new HighlightCompressVisualizer(0.0, 0.35);
function setup() {
  return {
    input: [{ bands: ["B05", "B04", "B03", "dataMask"] }],
    output: { bands: 4 }
  };
}
function evaluatePixel(s) {
  return [viz.process(s.B05, 0), viz.process(s.B04, 1), viz.process(s.B03, 2), s.dataMask];
}
""",
        expect=lambda b: [*(compress(each, 0, 0.35) for each in (b.B05, b.B04, b.B03)), b.dataMask],
    ),
    Row(
        name="Landsat sharpened with the panchromatic band",
        data=(L1,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{
      bands: ["B02", "B03", "B04", "B08"],
      units: "REFLECTANCE"
    }],
    output: { bands: 3, sampleType: "AUTO" }
  };
}

function evaluatePixel(samples) {
  let sudoPanW = (samples.B04 + samples.B03 + samples.B02) / 3;
  let s = samples.B08 / sudoPanW;
  return [2.2 * samples.B04 * s, 2.2 * samples.B03 * s, 2.2 * samples.B02 * s];
}
""",
        expect=lambda b: [2.2 * v * b.B08 / ((b.B04 + b.B03 + b.B02) / 3) for v in (b.B04, b.B03, b.B02)],
    ),
    Row(
        name="Landsat NDVI that stays undefined where there is nothing",
        data=(L2,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "B05"],
    output: { bands: 1, sampleType: "FLOAT32" }
  };
}
function evaluatePixel(sample) {
  return [index(sample.B05, sample.B04)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: nd(b.B05, b.B04),
    ),
    Row(
        name="Brightness temperature in a ramp",
        data=(L1,),
        script="""//VERSION=3
// Landsat thermal band 10, kelvin
var viz = ColorGradientVisualizer.createRedTemperature(263, 308);

function setup() {
  return {
    input: ["B10"],
    output: { bands: 3 }
  };
}
function evaluatePixel(sample) {
  return viz.process(sample.B10);
}
""",
        expect=lambda b: ramp(
            b.B10,
            [
                (263 + 45 * at, code)
                for at, code in ((0, 0), (0.475, 0xAE0000), (0.7, 0xFF6E00), (0.75, 0xFF8600), (1, 0xFFFFFF))
            ],
        ),
    ),
    Row(
        name="Surface temperature in degrees Celsius",
        data=(L2,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B10", "dataMask"] }],
    output: { id: "default", bands: 1, sampleType: "FLOAT32", nodataValue: NaN }
  };
}
function evaluatePixel(s) {
  return [s.dataMask === 1 ? s.B10 - 273.15 : NaN];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.where(b.dataMask == 1, b.B10 - 273.15, np.nan),
    ),
    Row(
        name="Surface temperature from emissivity of vegetation",
        data=(L1,),
        script="""//VERSION=3
// proportion of vegetation between NDVI of soil and of leaves
const NDVIs = 0.2, NDVIv = 0.8;
const waterE = 0.991, soilE = 0.966, vegetationE = 0.973, C = 0.009;
const bCent = 10.895, rho = 1438.8;

function emissivity(ndvi, Pv) {
  if (ndvi < 0) return waterE;
  if (ndvi < NDVIs) return soilE;
  if (ndvi <= NDVIv) return vegetationE * Pv + soilE * (1 - Pv) + C;
  return vegetationE + C;
}

function setup() {
  return { input: ["B04", "B05", "B10", "dataMask"], output: { bands: 2, sampleType: "FLOAT32" } };
}

function evaluatePixel(samples) {
  const ndvi = (samples.B05 - samples.B04) / (samples.B05 + samples.B04);
  const Pv = Math.pow((ndvi - NDVIs) / (NDVIv - NDVIs), 2);
  const e = emissivity(ndvi, Pv);
  const lst = samples.B10 / (1 + (bCent * samples.B10 / rho / 10) * Math.log(e));
  return [lst - 273.15, samples.dataMask];
}
""",
        kinds="FLOAT32",
        expect=lambda b: (
            [
                b.B10 / (1 + 10.895 * b.B10 / 1438.8 / 10 * np.log(e)) - 273.15
                for v in [nd(b.B05, b.B04)]
                for pv in [((v - 0.2) / (0.8 - 0.2)) ** 2]
                for e in [
                    np.select([v < 0, v < 0.2, v <= 0.8], [0.991, 0.966, 0.973 * pv + 0.966 * (1 - pv) + 0.009], 0.982)
                ]
            ]
            + [b.dataMask]
        ),
    ),
    Row(
        name="Clouds by the bits of BQA",
        data=(L1,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "BQA", "dataMask"],
    output: { bands: 4 }
  };
}

function evaluatePixel(samples) {
  var clouds = decodeL8C2Qa(samples.BQA);
  if (samples.dataMask == 0) return [0, 0, 0, 0];
  if (clouds.cloud || clouds.cirrus) { return [1, 1, 1, 1]; }
  if (clouds.cloudShadow) return [0.2, 0.2, 0.2, 1];
  return [2.5 * samples.B04, 2.5 * samples.B03, 2.5 * samples.B02, samples.dataMask];
}
""",
        expect=lambda b: pick(
            (b.dataMask == 0, (0, 0, 0, 0)),
            ((q := np.nan_to_num(b.BQA), (bit(q, 3) == 1) | (bit(q, 2) == 1))[1], (1, 1, 1, 1)),
            (bit(q, 4) == 1, (0.2, 0.2, 0.2, 1)),
            other=(2.5 * b.B04, 2.5 * b.B03, 2.5 * b.B02, b.dataMask),
        ),
    ),
    Row(
        name="Bits taken out of BQA by hand",
        data=(Feed(type="landsat-ot-l2", times="2022-03-01/2022-03-30"),),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["BQA", "QA_RADSAT", "dataMask"], units: "DN" }],
    output: { bands: 3, sampleType: "UINT8" },
    mosaicking: "SIMPLE"
  };
}
const bits = (value, from, count) => (value >> from) & ((1 << count) - 1);
function evaluatePixel({ BQA, QA_RADSAT }) {
  return [bits(BQA, 6, 1), bits(BQA, 8, 2), QA_RADSAT];
}
""",
        kinds="UINT8",
        expect=lambda b: [bit(q := np.nan_to_num(b.BQA), 6), bit(q, 8, 2), b.QA_RADSAT],
    ),
    Row(
        name="Median NDWI of clear Landsat days",
        data=(DAYS,),
        box=COAST,
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B03", "B05", "BQA", "dataMask"] }],
    output: { bands: 1, sampleType: "FLOAT32" },
    mosaicking: "ORBIT"
  };
}
function median(list) {
  const a = [...list].sort((x, y) => x - y), h = a.length >> 1;
  return a.length % 2 ? a[h] : (a[h - 1] + a[h]) / 2;
}
function evaluatePixel(samples) {
  const values = samples
    .filter(({ dataMask, BQA }) => dataMask === 1 && !decodeL8C2Qa(BQA).cloud)
    .map(({ B03, B05 }) => index(B03, B05));
  return [values.length > 0 ? median(values) : 0];
}
""",
        kinds="FLOAT32",
        expect=lambda b: over(nd(b.B03, b.B05), (b.dataMask == 1) & (bit(np.nan_to_num(b.BQA), 3) == 0), "median"),
    ),
    Row(
        name="Burnt by NBR, with thermal heat, of the first tier",
        data=(Feed(type="landsat-ot-l1", filters="tiers: TIER_1, mosaickingOrder: leastCC"),),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B05", "B07", "B11", "SZA", "dataMask"],
    output: [{ bands: 3, sampleType: "FLOAT32" }]
  }
}
function evaluatePixel(s) {
  let nbr = index(s.B05, s.B07)
  let hot = s.B11 > 298
  return hot ? [nbr, 1, s.SZA] : [nbr, 0, s.SZA]
}
""",
        kinds="FLOAT32",
        expect=lambda b: [nd(b.B05, b.B07), b.B11 > 298, b.SZA],
    ),
    Row(
        name="Dates of Landsat to the microsecond",
        data=(DAYS,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "dataMask"],
    output: { bands: 1, sampleType: "UINT8" },
    mosaicking: Mosaicking.ORBIT
  }
}
function evaluatePixel(samples, scenes) {
  return [samples.map((s, i) => s.dataMask ? scenes.orbits[i].tiles.length : 0).reduce((a, b) => Math.max(a, b), 0)];
}
function updateOutputMetadata(scenes, inputMetadata, outputMetadata) {
  outputMetadata.userData = scenes.orbits.map((orbit) => orbit.dateFrom.split("T")[0]);
}
""",
        kinds="UINT8",
        is_flat=True,
        expect=lambda b: b.dataMask.max(axis=0),
        userdata=lambda b: [str(day) for day in b.dates],
    ),
)
