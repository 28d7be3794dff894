"""Every visualizer and utility function, as published scripts use them."""

import numpy as np

from tests.evalscript.public.row import ALPS, Feed, Row
from tests.support.oracles import bit, blend, colour, compress, mapped, nd, ramp, steps

WHITE_GREEN = ((0, 0x000000), (0.4, 0x006600), (0.7, 0x80B300), (1, 0xFFFFFF))
BLUE_RED = ((0, 0x000080), (0.125, 0x0000FF), (0.375, 0x00FFFF), (0.625, 0xFFFF00), (0.875, 0xFF0000), (1, 0x800000))
RED_HOT = ((0, 0x000000), (0.475, 0xAE0000), (0.7, 0xFF6E00), (0.75, 0xFF8600), (1, 0xFFFFFF))
DEFAULT_MAP = (
    *((-1.0, 0x000000), (-0.2, 0xFF0000), (-0.1, 0x9A0000), (0.0, 0x660000), (0.1, 0xFFFF33), (0.2, 0xCCCC33)),
    *((0.3, 0x666600), (0.4, 0x33FFFF), (0.5, 0x33CCCC), (0.6, 0x006666), (0.7, 0x33FF33), (0.8, 0x33CC33)),
    (0.9, 0x006600),
)

OCEAN_AT = (
    *(0, 0.0471, 0.098, 0.149, 0.2, 0.2471, 0.298, 0.349, 0.4, 0.4471, 0.498),
    *(0.549, 0.6, 0.6471, 0.698, 0.749, 0.8, 0.8471, 0.898, 0.949, 1),
)
OCEAN = (
    *((147, 0, 108), (111, 0, 144), (72, 0, 183), (33, 0, 222), (0, 10, 255), (0, 74, 255), (0, 144, 255)),
    *((0, 213, 255), (0, 255, 215), (0, 255, 119), (0, 255, 15), (96, 255, 0), (200, 255, 0), (255, 235, 0)),
    *((255, 183, 0), (255, 131, 0), (255, 79, 0), (255, 31, 0), (230, 0, 0), (165, 0, 0), (105, 0, 0)),
)

ROWS = (
    Row(
        name="NDVI from white to green",
        script="""//VERSION=3
let viz = ColorGradientVisualizer.createWhiteGreen();

function setup() {
  return {
    input: [{
      bands: ["B04", "B08"]
    }],
    output: {
      bands: 3
    }
  };
}

function evaluatePixel(sample) {
  let ndvi = (sample.B08 - sample.B04) / (sample.B08 + sample.B04);
  return viz.process(ndvi);
}
""",
        expect=lambda b: ramp(nd(b.B08, b.B04), WHITE_GREEN),
    ),
    Row(
        name="A gradient between an own least and greatest value",
        script="""//VERSION=3
var viz = ColorGradientVisualizer.createWhiteGreen(-1.0, 1.0);
function setup() { return { input: ["B05", "B8A"], output: { bands: 3 } }; }
function evaluatePixel(s) { return viz.process((s.B8A - s.B05) / (s.B8A + s.B05)); }
""",
        expect=lambda b: ramp(nd(b.B8A, b.B05), [(2 * at - 1, code) for at, code in WHITE_GREEN]),
    ),
    Row(
        name="A ramp from blue to red over the moisture",
        script="""//VERSION=3
function setup() {
  return { input: ["B08", "B11"], output: { bands: 3 } };
}
const viz = ColorRampVisualizer.createBlueRed(-0.8, 0.8);
function evaluatePixel(samples) {
  return viz.process(-index(samples.B08, samples.B11));
}
""",
        expect=lambda b: ramp(-nd(b.B08, b.B11), [(1.6 * at - 0.8, code) for at, code in BLUE_RED]),
    ),
    Row(
        name="Heat in a ramp turned round",
        script="""//VERSION=3
function setup() {
  return { input: ["B12"], output: { bands: 3 } };
}
const viz = ColorRampVisualizer.createRedTemperature(0, 0.5).inverse();
function evaluatePixel({ B12 }) { return viz.process(B12); }
""",
        expect=lambda b: ramp(
            b.B12, [(0.5 * at, code) for (at, _), (_, code) in zip(RED_HOT, reversed(RED_HOT), strict=True)]
        ),
    ),
    Row(
        name="Colours of the ocean",
        script="""//VERSION=3
const viz = ColorRampVisualizer.createOceanColor(0, 0.2);
function setup() { return { input: ["B02"], output: { bands: 3 } }; }
function evaluatePixel(s) {
  const rgb = viz.process(s.B02);
  return s.B02 > 0.2 ? [0.41176470588235292, 0, 0] : rgb.map((c) => c);
}
""",
        expect=lambda b: [
            np.where(b.B02 > 0.2, end, np.floor(np.interp(b.B02 * 5, OCEAN_AT, each) + 0.5) / 255)
            for each, end in zip(zip(*OCEAN, strict=True), (105 / 255, 0, 0), strict=True)
        ],
    ),
    Row(
        name="The default colour map over NDVI",
        script="""//VERSION=3
function setup() {
  return { input: ["B04", "B08"], output: { bands: 3 } };
}
var viz = ColorMapVisualizer.createDefaultColorMap();
function evaluatePixel(samples) {
  return viz.process(index(samples.B08, samples.B04));
}
""",
        expect=lambda b: steps(nd(b.B08, b.B04), DEFAULT_MAP),
    ),
    Row(
        name="Highlights kept, with gain, offset and gamma",
        script="""//VERSION=3
const [red, rest] = [
  new HighlightCompressVisualizer(0.01, 0.3, 1.1, 0.02, 0.8),
  new HighlightCompressVisualizerSingle(0.0, 0.5),
];
function setup() { return { input: ["B03", "B04"], output: { bands: 2 } }; }
function evaluatePixel(s) {
  return [red.process(s.B04), ...rest.process(s.B03)];
}
""",
        expect=lambda b: [compress(b.B04, 0.01, 0.3, gain=1.1, offset=0.02, gamma=0.8), compress(b.B03, 0, 0.5)],
    ),
    Row(
        name="A list of visualizers, one for each band",
        data=(Feed(type="sentinel-2-l1c"),),
        script="""//VERSION=3 (auto-converted from 1)
let minVal = 0.0;
let maxVal = 0.4;

let viz = [
  new DefaultVisualizer(minVal, maxVal),
  new DefaultVisualizer(0.05, 0.5, 1.2),
  new Identity()
];

function evaluatePixel(samples) {
  let val = [samples.B04, samples.B03, samples.B02];
  return [viz[0].process(val[0]), viz[1].process(val[1]), ...viz[2].process(val[2])];
}

function setup() {
  return {
    input: [{
      bands: ["B02", "B03", "B04"]
    }],
    output: { bands: 3 }
  }
}
""",
        expect=lambda b: [np.clip(b.B04 / 0.4, 0, 1), np.clip(1.2 * (b.B03 - 0.05) / 0.45, 0, 1), b.B02],
    ),
    Row(
        name="Two colours combined by the clouds",
        script="""//VERSION=3
function setup() {
  return { input: ["B02", "B03", "B04", "CLP"], output: { bands: 3 } };
}
function evaluatePixel(s) {
  const ground = [2.5 * s.B04, 2.5 * s.B03, 2.5 * s.B02];
  return combine([1, 0.4, 0.7], ground, s.CLP / 255);
}
""",
        expect=lambda b: [
            pink * (share := b.CLP / 255) + 2.5 * each * (1 - share)
            for pink, each in zip((1, 0.4, 0.7), (b.B04, b.B03, b.B02), strict=True)
        ],
    ),
    Row(
        name="Colours from numbers and back",
        script="""//VERSION=3
const palette = { 4: 0x10d32d, 5: 0xffff53, 6: 0x0000ff };
function setup() {
  return { input: ["SCL"], output: { bands: 3 } };
}
function evaluatePixel(s) {
  const code = palette[s.SCL] === undefined ? rgb2int([128, 129, 130]) : palette[s.SCL];
  return normalizeRGB(int2rgb(code));
}
""",
        expect=lambda b: [
            np.select([key == b.SCL for key in (4, 5, 6)], each[:3], each[3]) / 255
            for each in zip(*map(colour, (0x10D32D, 0xFFFF53, 0x0000FF, 0x808182)), strict=True)
        ],
    ),
    Row(
        name="valueMap, colorMap and inverse beside each other",
        data=(Feed(type="dem"),),
        box=ALPS,
        script="""//VERSION=3
function setup() {
  return { input: ["DEM"], output: { bands: 5, sampleType: "FLOAT32" } };
}
const limits = [1500, 1750, 2000];
function evaluatePixel({ DEM }) {
  return [
    valueMap(DEM, limits, [10, 20, 30]),
    ...colorMap(DEM, limits, [[0, 0, 1], [0, 1, 0], [1, 0, 0]]),
    inverse(DEM),
  ];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            mapped(b.DEM, (1500, 1750, 2000), (10, 20, 30)),
            *(
                np.array(each)[np.minimum(np.searchsorted((1500, 1750, 2000), b.DEM, side="right"), 2)]
                for each in ((0, 0, 1), (0, 1, 0), (1, 0, 0))
            ),
            1 / b.DEM,
        ],
    ),
    Row(
        name="valueInterpolate over numbers",
        script="""//VERSION=3
function setup() { return { input: ["B11"], output: { bands: 1, sampleType: "UINT16" } }; }
function evaluatePixel(sample) {
  return [valueInterpolate(sample.B11, [0, 0.1, 0.3, 0.6], [0, 1000, 1500, 65535])];
}
""",
        kinds="UINT16",
        expect=lambda b: np.interp(b.B11, (0, 0.1, 0.3, 0.6), (0, 1000, 1500, 65535)),
    ),
    Row(
        name="The older decoder of quality bits",
        data=(Feed(type="landsat-ot-l1"),),
        script="""//VERSION=3
function setup() {
  return { input: ["B05", "BQA"], output: { bands: 3, sampleType: "UINT8" } };
}
function evaluatePixel(samples) {
  var flags = decodeLs8Qa(samples.BQA);
  return [flags.cloud * 255, flags.cloudConfidence * 85, samples.B05 * 255];
}
""",
        kinds="UINT8",
        expect=lambda b: [
            bit(q := np.nan_to_num(b.BQA), 4) * 255,
            bit(q, 5, 2) * 85,
            b.B05 * 255,
        ],
    ),
    Row(
        name="The tables of colours themselves",
        script="""//VERSION=3
const reds = redTemperature.map(([position, color]) => [1 - position, color]);
const viz = new ColorRampVisualizer(reds, 0.0, 0.6);
function setup() { return { input: ["B07"], output: { bands: 3 } }; }
const evaluatePixel = function (s) { return viz.process(s.B07); };
""",
        expect=lambda b: ramp(b.B07, [(0.6 * at, code) for at, code in RED_HOT]),
    ),
    Row(
        name="colorBlend with an end beyond which nothing changes",
        script="""//VERSION=3
function setup() { return { input: ["B04", "B08"], output: { bands: 3 } }; }
var limits = [-1, 0, 0.25, 0.5, 0.75];
var colors = [[0, 0, 0], [0.75, 0.6, 0.4], [0.95, 0.9, 0.6], [0.5, 0.75, 0.2], [0.05, 0.35, 0.05]];
function evaluatePixel(samples) { return colorBlend(index(samples.B08, samples.B04), limits, colors); }
""",
        expect=lambda b: blend(
            nd(b.B08, b.B04),
            (-1, 0, 0.25, 0.5, 0.75),
            ((0, 0, 0), (0.75, 0.6, 0.4), (0.95, 0.9, 0.6), (0.5, 0.75, 0.2), (0.05, 0.35, 0.05)),
        ),
    ),
)
