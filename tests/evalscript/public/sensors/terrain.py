"""The terrain model: heights as they are, ramps in both orders, classes, contours, and the floor of the sea."""

import numpy as np

from tests.evalscript.public.row import ALPS, COAST, Feed, Row
from tests.support.oracles import blend, colour, mapped, ramp, steps

DEM = Feed(type="dem")
COPERNICUS = Feed(type="dem", filters="demInstance: COPERNICUS_30")

ROWS = (
    Row(
        name="Heights in metres, as floats",
        data=(DEM,),
        box=COAST,
        script="""//VERSION=3
function setup() {
  return {
    input: ["DEM"],
    output: { id: "default", bands: 1, sampleType: SampleType.FLOAT32 },
  }
}

function evaluatePixel(sample) {
  return [sample.DEM]
}
""",
        kinds="FLOAT32",
        expect=lambda b: b.DEM,
    ),
    Row(
        name="Heights in whole metres",
        data=(COPERNICUS,),
        box=ALPS,
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["DEM", "dataMask"], units: "METERS" }],
    output: { bands: 1, sampleType: "INT16", nodataValue: -32768 },
  };
}
function evaluatePixel(s) { return [s.dataMask ? s.DEM : -32768]; }
""",
        kinds="INT16",
        expect=lambda b: b.DEM,
    ),
    Row(
        name="A ramp from low to high",
        data=(COPERNICUS,),
        box=ALPS,
        script="""//VERSION=3
// elevation
const defaultStops = [
  [1200, 0x336600],
  [1500, 0x99cc66],
  [1800, 0xcc9966],
  [2100, 0x996633],
  [2400, 0xffffff]
];
const visualizer = new ColorRampVisualizer(defaultStops);

function evaluatePixel(samples) {
  let val = samples.DEM;
  let imgVals = visualizer.process(val);
  return imgVals.concat(samples.dataMask)
}

function setup() {
  return {
    input: ["DEM", "dataMask"],
    output: { bands: 4 }
  }
}
""",
        expect=lambda b: [
            *ramp(b.DEM, [(1200, 0x336600), (1500, 0x99CC66), (1800, 0xCC9966), (2100, 0x996633), (2400, 0xFFFFFF)]),
            b.dataMask,
        ],
    ),
    Row(
        name="A ramp from high to low",
        data=(DEM,),
        box=ALPS,
        script="""//VERSION=3
var ramp = [
    [8000, 0xffffff],
    [2200, 0xdddddd],
    [1900, 0x996633],
    [1600, 0xcc9966],
    [1300, 0x336600],
    [0, 0x003300]
];

function setup() {
    return {
        input: ["DEM"],
        output: { bands: 3 }
    };
}

const visualizer = new ColorRampVisualizer(ramp);

function evaluatePixel(sample) {
    return visualizer.process(sample.DEM);
}
""",
        expect=lambda b: ramp(
            b.DEM,
            [(0, 0x003300), (1300, 0x336600), (1600, 0xCC9966), (1900, 0x996633), (2200, 0xDDDDDD), (8000, 0xFFFFFF)],
        ),
    ),
    Row(
        name="A gradient from high to low, over land and sea",
        data=(DEM,),
        box=COAST,
        script="""//VERSION=3
function setup() {
  return {
    input: ["DEM", "dataMask"],
    output: { bands: 4 }
  }
}
const ramp = [
  [200, 0xb3a17d], [60, 0xdcd090], [10, 0x77a65a], [0, 0x4e7a3c],
  [-1, 0xa9d6e5], [-150, 0x2a6f97], [-500, 0x01283f],
];
const visualizer = new ColorRampVisualizer(ramp);

function evaluatePixel(sample) {
  const [r, g, b] = visualizer.process(sample.DEM);
  return [r, g, b, sample.dataMask];
}
""",
        expect=lambda b: [
            *ramp(
                b.DEM,
                [
                    *((-500, 0x01283F), (-150, 0x2A6F97), (-1, 0xA9D6E5), (0, 0x4E7A3C), (10, 0x77A65A)),
                    *((60, 0xDCD090), (200, 0xB3A17D)),
                ],
            ),
            b.dataMask,
        ],
    ),
    Row(
        name="Classes of height by ColorMapVisualizer",
        data=(COPERNICUS,),
        box=ALPS,
        script="""//VERSION=3
const map = [
  [1300, 0x1a9850],
  [1500, 0x91cf60],
  [1700, 0xd9ef8b],
  [1900, 0xfee08b],
  [2100, 0xfc8d59],
  [2300, 0xd73027],
];
const viz = new ColorMapVisualizer(map);
function setup() {
  return { input: ["DEM"], output: { bands: 3 } };
}
function evaluatePixel(s) { return viz.process(s.DEM); }
""",
        expect=lambda b: steps(
            b.DEM,
            [
                *((1300, 0x1A9850), (1500, 0x91CF60), (1700, 0xD9EF8B)),
                *((1900, 0xFEE08B), (2100, 0xFC8D59), (2300, 0xD73027)),
            ],
        ),
    ),
    Row(
        name="Contour lines every hundred metres",
        data=(COPERNICUS,),
        box=ALPS,
        media="image/png",
        script="""//VERSION=3
//  every second step is dark
function setup() { return { input: [ "DEM" ], output: { bands: 1 } } }
function evaluatePixel(sample) {
    return [ Math.floor(sample.DEM / 100) % 2 == 0 ? 0.3 : 0.9 ]
}
""",
        expect=lambda b: np.where(np.floor(b.DEM / 100) % 2 == 0, 0.3, 0.9),
    ),
    Row(
        name="Colours by hand between two heights",
        data=(DEM,),
        box=ALPS,
        script="""//VERSION=3
function setup() {
  return {
    input: ["DEM"],
    output: { bands: 3, sampleType: "UINT8" }
  };
}
function mix(from, to, t) { return from.map((c, i) => c + (to[i] - c) * t); }
function evaluatePixel(sample) {
  const t = Math.min(1, Math.max(0, (sample.DEM - 1000) / 1500));
  return mix(int2rgb(0x00441b), int2rgb(0xf7fcf5), t);
}
""",
        kinds="UINT8",
        expect=lambda b: [
            low + (high - low) * np.clip((b.DEM - 1000) / 1500, 0, 1)
            for low, high in zip(colour(0x00441B), colour(0xF7FCF5), strict=True)
        ],
    ),
    Row(
        name="What the sea would take if it rose",
        data=(Feed(type="DEM", processing="egm: false"),),
        box=COAST,
        warned=("W100",),
        script="""//VERSION=3
var sealevel = 20;
function setup() {
  return { input: ["DEM"], output: { bands: 3 } };
}
function evaluatePixel(s) {
  if (s.DEM <= 0) { return [0, 0.1, 0.35]; }
  if (s.DEM <= sealevel) { return colorBlend(s.DEM, [0, sealevel], [[0.1, 0.3, 0.7], [0.7, 0.85, 1]]); }
  return colorBlend(s.DEM, [sealevel, 200], [[0.2, 0.5, 0.2], [0.8, 0.8, 0.6]]);
}
""",
        expect=lambda b: [
            np.select([b.DEM <= 0, b.DEM <= 20], [sea, wet], dry)
            for sea, wet, dry in zip(
                (0, 0.1, 0.35),
                blend(b.DEM, (0, 20), ((0.1, 0.3, 0.7), (0.7, 0.85, 1))),
                blend(b.DEM, (20, 200), ((0.2, 0.5, 0.2), (0.8, 0.8, 0.6))),
                strict=True,
            )
        ],
    ),
    Row(
        name="Zones of height by valueMap",
        data=(COPERNICUS,),
        box=ALPS,
        script="""//VERSION=3
function setup() { return { input: ["DEM"], output: { bands: 1, sampleType: "UINT8" } }; }
const evaluatePixel = (s) => [valueMap(s.DEM, [1400, 1600, 1800, 2000, 2200], [1, 2, 3, 4, 5])];
""",
        kinds="UINT8",
        expect=lambda b: mapped(b.DEM, (1400, 1600, 1800, 2000, 2200), (1, 2, 3, 4, 5)),
    ),
    Row(
        name="A ramp from high to low in colours of three numbers, with its own ends",
        data=(DEM,),
        box=ALPS,
        script="""//VERSION=3
let visualizer = new ColorRampVisualizer([
  [1, [1, 1, 1]],
  [0.5, [0.6, 0.4, 0.2]],
  [0, [0, 0.4, 0]],
], 1200, 2400);

function setup() {
  return { input: [{ bands: ["DEM"] }], output: { bands: 3 } };
}

function evaluatePixel(sample) {
  return visualizer.process(sample.DEM);
}
""",
        expect=lambda b: ramp(b.DEM, [(1200, 0x006600), (1800, 0x996633), (2400, 0xFFFFFF)]),
    ),
)
