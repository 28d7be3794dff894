"""Collections that the sandbox has no scenes of (MODIS, Sentinel-3 and 5P, HLS, older Landsat, own data): their
scripts are checked, and run in the engine over made-up bands.
"""

import numpy as np

from tests.evalscript.public.row import Feed, Row
from tests.support.oracles import bit, blend, nd, pick, ramp, steps

OWN = "byoc-3f605f75-86c4-411a-b4ae-01c896f0e54e"

ROWS = (
    Row(
        name="MODIS NDVI",
        data=(Feed(type="modis"),),
        script="""//VERSION=3
function setup() {
  return { input: ["B01", "B02", "dataMask"], output: { bands: 4 } };
}
const ramp = [[-0.5, 0x0c0c0c], [0, 0xeaeaea], [0.3, 0xccc682], [0.6, 0x70a33f], [1, 0x004400]];
const visualizer = new ColorRampVisualizer(ramp);
function evaluatePixel(s) {
  return visualizer.process(index(s.B02, s.B01)).concat(s.dataMask);
}
""",
        expect=lambda b: [
            *ramp(
                nd(b.B02, b.B01),
                [(-0.5, 0x0C0C0C), (0, 0xEAEAEA), (0.3, 0xCCC682), (0.6, 0x70A33F), (1, 0x004400)],
            ),
            b.dataMask,
        ],
    ),
    Row(
        name="MODIS in false colour",
        data=(Feed(type="modis", times="2021-07-01/2021-07-31"),),
        script="""//VERSION=3
let minVal = 0.0;
let maxVal = 0.4;
let viz = new DefaultVisualizer(minVal, maxVal);
function evaluatePixel(samples) {
  let val = [samples.B07, samples.B02, samples.B01];
  return viz.processList(val);
}
function setup() {
  return {
    input: [{ bands: ["B01", "B02", "B07"] }],
    output: { bands: 3 }
  };
}
""",
        expect=lambda b: [np.clip(each / 0.4, 0, 1) for each in (b.B07, b.B02, b.B01)],
    ),
    Row(
        name="OLCI in natural colours",
        data=(Feed(type="sentinel-3-olci"),),
        script="""//VERSION=3
function setup() {
  return { input: ["B04", "B06", "B08"], output: { bands: 3 } };
}
// tristimulus of three bands
const mult = [2.6, 2.2, 1.9];
function evaluatePixel({ B04, B06, B08 }) {
  return [B08, B06, B04].map((v, i) => mult[2 - i] * v);
}
""",
        expect=lambda b: [1.9 * b.B08, 2.2 * b.B06, 2.6 * b.B04],
    ),
    Row(
        name="OTCI, the terrestrial chlorophyll index of OLCI",
        data=(Feed(type="sentinel-3-olci"),),
        script="""//VERSION=3
function setup(ds) {
  return {
    input: [{ bands: ["B10", "B11", "B12"] }],
    output: { bands: 3 }
  };
}
function evaluatePixel(samples) {
  var OTCI = (samples.B12 - samples.B11) / (samples.B11 - samples.B10);
  return colorBlend(OTCI, [0, 1, 1.8, 2.5, 5], [[0, 0, 0.5], [0, 0.3, 0.8], [1, 0.2, 0.2], [1, 0.9, 0], [0, 0.5, 0]]);
}
""",
        expect=lambda b: blend(
            (b.B12 - b.B11) / (b.B11 - b.B10),
            (0, 1, 1.8, 2.5, 5),
            ((0, 0, 0.5), (0, 0.3, 0.8), (1, 0.2, 0.2), (1, 0.9, 0), (0, 0.5, 0)),
        ),
    ),
    Row(
        name="OLCI flags of land and bright pixels",
        data=(Feed(type="sentinel-3-olci"),),
        script="""//VERSION=3
function setup() {
  return {
    input: ["QUALITY_FLAGS", "dataMask"],
    output: { bands: 3, sampleType: "UINT8" }
  };
}
function evaluatePixel(sample) {
  const flags = decodeS3OLCIQualityFlags(sample.QUALITY_FLAGS);
  return [flags.land * 255, flags.saturatedB21 * 255, flags.saturatedB11 ? 255 : 0];
}
""",
        kinds="UINT8",
        expect=lambda b: [255 * bit(b.QUALITY_FLAGS, place) for place in (31, 0, 10)],
    ),
    Row(
        name="Chlorophyll of the sea by OLCI level 2",
        data=(Feed(type="sentinel-3-olci-l2"),),
        script="""//VERSION=3
function setup() {
  return { input: ["CHL_NN", "dataMask"], output: { bands: 1, sampleType: "FLOAT32" } };
}
function evaluatePixel(s) {
  return [s.dataMask ? Math.pow(10, s.CHL_NN) : NaN];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.where(b.dataMask == 1, 10**b.CHL_NN, np.nan),
    ),
    Row(
        name="SLSTR brightness temperature of fires",
        data=(Feed(type="sentinel-3-slstr"),),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["S3", "S7", "S8"], units: ["REFLECTANCE", "BRIGHTNESS_TEMPERATURE", "BRIGHTNESS_TEMPERATURE"] }],
    output: { bands: 3 },
  };
}
const SAHM = (s) => s.S7 - s.S8 > 20;
function evaluatePixel(s) {
  if (SAHM(s)) return [1, 0, 0];
  return valueInterpolate(s.S8, [260, 290, 310], [[0, 0, s.S3], [0.5, 0.5, 0.5], [1, 0.9, 0.7]]);
}
""",
        expect=lambda b: pick(
            (b.S7 - b.S8 > 20, (1, 0, 0)),
            other=[np.interp(b.S8, (260, 290, 310), each) for each in ((0, 0.5, 1), (0, 0.5, 0.9))]
            + [
                np.where(
                    b.S8 <= 290,
                    b.S3 + (0.5 - b.S3) * np.clip((b.S8 - 260) / 30, 0, 1),
                    np.interp(b.S8, (290, 310), (0.5, 0.7)),
                )
            ],
        ),
    ),
    Row(
        name="Land surface temperature by SLSTR level 2 in Celsius",
        data=(Feed(type="sentinel-3-slstr-l2"),),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["LST", "LST_uncertainty", "dataMask"] }],
    output: { bands: 2, sampleType: SampleType.INT16 }
  };
}
function evaluatePixel(s) {
  return [100 * (s.LST - 273.15), 100 * s.LST_uncertainty * s.dataMask];
}
""",
        kinds="INT16",
        expect=lambda b: [100 * (b.LST - 273.15), 100 * b.LST_uncertainty * b.dataMask],
    ),
    Row(
        name="Vegetation of the synergy product",
        data=(Feed(type="sentinel-3-synergy-l2"),),
        script="""//VERSION=3
function setup() { return { input: ["NDVI_V10", "dataMask"], output: { bands: 4 } } }
const viz = ColorRampVisualizer.createWhiteGreen(0, 1)
function evaluatePixel(s) { return [...viz.process(s.NDVI_V10), s.dataMask] }
""",
        expect=lambda b: [
            *ramp(b.NDVI_V10, [(0, 0), (0.4, 0x006600), (0.7, 0x80B300), (1, 0xFFFFFF)]),
            b.dataMask,
        ],
    ),
    Row(
        name="Nitrogen dioxide of one day",
        data=(Feed(type="sentinel-5p-l2", times="2022-06-10/2022-06-10", filters="timeliness: OFFL"),),
        script="""//VERSION=3
function setup() {
  return {
    input: ["NO2", "dataMask"],
    output: { bands: 4 }
  };
}
var minVal = 0.0;
var maxVal = 0.0001;
var diff = maxVal - minVal;
const map = [
  [minVal, 0x00007f],
  [minVal + 0.125 * diff, 0x0000ff],
  [minVal + 0.375 * diff, 0x00ffff],
  [minVal + 0.625 * diff, 0xffff00],
  [minVal + 0.875 * diff, 0xff0000],
  [maxVal, 0x7f0000]
];
const visualizer = new ColorRampVisualizer(map);
function evaluatePixel(sample) {
  const [r, g, b] = visualizer.process(sample.NO2);
  return [r, g, b, sample.dataMask];
}
""",
        expect=lambda b: [
            *ramp(
                b.NO2,
                [
                    *((0, 0x00007F), (0.0000125, 0x0000FF), (0.0000375, 0x00FFFF)),
                    *((0.0000625, 0xFFFF00), (0.0000875, 0xFF0000), (0.0001, 0x7F0000)),
                ],
            ),
            b.dataMask,
        ],
    ),
    Row(
        name="Methane over a month of orbits",
        data=(Feed(type="sentinel-5p-l2", mode="ORBIT", processing="minQa: 50"),),
        script="""//VERSION=3
function setup() {
  return { input: ["CH4", "dataMask"], output: { bands: 1, sampleType: "FLOAT32" }, mosaicking: "ORBIT" };
}
function evaluatePixel(samples) {
  const valid = samples.filter((s) => s.dataMask === 1 && isFinite(s.CH4));
  return [valid.length ? valid.reduce((t, s) => t + s.CH4, 0) / valid.length : NaN];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.where(
            (n := b.dataMask.sum(axis=0)) == 0, np.nan, (b.CH4 * b.dataMask).sum(axis=0) / np.maximum(n, 1)
        ),
    ),
    Row(
        name="Aerosols and clouds in classes",
        data=(Feed(type="sentinel-5p-l2", times="2022-06-10/2022-06-10"),),
        script="""//VERSION=3
const viz = new ColorMapVisualizer([[-1, 0x0000ff], [0, 0x00ffff], [0.5, 0xffff00], [0.8, 0xff0000]]);
function setup() { return { input: ["AER_AI_340_380"], output: { bands: 3 } }; }
function evaluatePixel(samples) { return viz.process(samples.AER_AI_340_380); }
""",
        expect=lambda b: steps(b.AER_AI_340_380, [(-1, 0x0000FF), (0, 0x00FFFF), (0.5, 0xFFFF00), (0.8, 0xFF0000)]),
    ),
    Row(
        name="Harmonized Landsat and Sentinel by the names of colours",
        data=(Feed(type="hls"),),
        script="""//VERSION=3
function setup() {
  return { input: ["Red", "Green", "Blue", "NIR_Narrow"], output: { bands: 4, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  const { Red, Green, Blue, NIR_Narrow: nir } = sample;
  return [Red, Green, Blue, (nir - Red) / (nir + Red)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [b.Red, b.Green, b.Blue, nd(b.NIR_Narrow, b.Red)],
    ),
    Row(
        name="Landsat 8 as it was called before",
        data=(Feed(type="landsat-8-l1c", times="2018-06-01/2018-06-30"),),
        script="""//VERSION=3
function setup() {
  return { input: ["B02", "B03", "B04", "B08"], output: { bands: 3 } };
}
let w = 2.5 / 3;
function evaluatePixel(s) {
  let f = s.B08 / ((s.B02 + s.B03 + s.B04) * w + 0.01);
  return [s.B04 * f, s.B03 * f, s.B02 * f];
}
""",
        expect=lambda b: [v * b.B08 / ((b.B02 + b.B03 + b.B04) * (2.5 / 3) + 0.01) for v in (b.B04, b.B03, b.B02)],
    ),
    Row(
        name="Landsat 7 in the infrared",
        data=(Feed(type="landsat-etm-l2", times="2003-06-01/2003-06-30"),),
        script="""//VERSION=3
function setup() {
  return { input: ["B05", "B04", "B03", "dataMask"], output: { bands: 4 } };
}
function evaluatePixel(s) {
  return [s.B05, s.B04, s.B03].map(x => 3 * x - 0.1).concat([s.dataMask]);
}
""",
        expect=lambda b: [*(3 * each - 0.1 for each in (b.B05, b.B04, b.B03)), b.dataMask],
    ),
    Row(
        name="Landsat 5 vegetation against bare land",
        data=(Feed(type="landsat-tm-l1", times="1990-06-01/1990-06-30"),),
        script="""//VERSION=3
function setup() {
  return { input: ["B03", "B04", "B05", "B07"], output: { bands: 2, sampleType: "FLOAT32" } };
}
function evaluatePixel(s) {
  return [index(s.B04, s.B03), index(s.B05, s.B07)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [nd(b.B04, b.B03), nd(b.B05, b.B07)],
    ),
    Row(
        name="Own data with bands of any name",
        data=(Feed(type=OWN),),
        box=(14.9, 45.4, 14.93, 45.43),
        script="""//VERSION=3
function setup() {
  return { input: ["red", "nir", "dataMask"], output: { bands: 1, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  return [sample.dataMask == 0 ? -1 : (sample.nir - sample.red) / (sample.nir + sample.red)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.where(b.dataMask == 0, -1, nd(b.nir, b.red)),
    ),
)
