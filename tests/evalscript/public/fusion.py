"""Two and three collections in one script: by id, by position, with mosaicking of their own, before and after."""

import numpy as np

from tests.evalscript.public.row import ALPS, COAST, Feed, Row
from tests.support.oracles import nd, over, pick, ratio

L2A, GRD, DEM = Feed(id="l2a"), Feed(type="sentinel-1-grd", id="s1"), Feed(type="dem", id="dem")

ROWS = (
    Row(
        name="NDVI where it is clear, radar where it is not",
        data=(L2A, GRD),
        script="""//VERSION=3
function setup() {
  return {
    input: [
      { datasource: "s1", bands: ["VV", "VH"] },
      { datasource: "l2a", bands: ["B04", "B08", "SCL"] }
    ],
    output: [{ bands: 1, sampleType: "FLOAT32" }]
  };
}

function evaluatePixel(samples) {
  var optical = samples.l2a[0];
  var radar = samples.s1[0];
  if (optical && ![3, 8, 9, 10].includes(optical.SCL)) {
    return [index(optical.B08, optical.B04)];
  }
  return [radar && radar.VV + radar.VH > 0 ? 4 * radar.VH / (radar.VV + radar.VH) : 0];
}
""",
        kinds="FLOAT32",
        expect=lambda s2, s1: np.where(
            np.isin(s2.SCL, (3, 8, 9, 10)),
            ratio(4 * s1.VH, s1.VV + s1.VH),
            nd(s2.B08, s2.B04),
        ),
    ),
    Row(
        name="By their places, without any id",
        data=(Feed(), Feed(type="sentinel-1-grd")),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B03", "B04"] }, { bands: ["VV"] }],
    output: { bands: 3 }
  };
}
function evaluatePixel(samples) {
  const [optical] = samples[0], [radar] = samples[1];
  if (!optical || !radar) return [0, 0, 0];
  return [2.5 * optical.B04, 2.5 * optical.B03, 2 * radar.VV];
}
""",
        expect=lambda s2, s1: [2.5 * s2.B04, 2.5 * s2.B03, 2 * s1.VV],
    ),
    Row(
        name="Sentinel-2 beside Landsat, ids with hyphens",
        data=(Feed(id="S2-L1C", type="sentinel-2-l1c"), Feed(id="LANDSAT-OT-L1", type="landsat-ot-l1")),
        script="""//VERSION=3
function setup() {
  return {
    input: [
      { datasource: "S2-L1C", bands: ["B04", "B08", "dataMask"], units: ["REFLECTANCE", "REFLECTANCE", "DN"] },
      { datasource: "LANDSAT-OT-L1", bands: ["B04", "B05", "dataMask"] }
    ],
    output: [{ id: "default", bands: 2, sampleType: "FLOAT32" }]
  };
}
function first(list) { return list.length ? list[0] : { dataMask: 0 }; }
function evaluatePixel(samples) {
  const s2 = first(samples["S2-L1C"]), l8 = first(samples["LANDSAT-OT-L1"]);
  return [
    s2.dataMask ? index(s2.B08, s2.B04) : NaN,
    l8.dataMask ? index(l8.B05, l8.B04) : NaN
  ];
}
""",
        kinds="FLOAT32",
        expect=lambda s2, l8: [
            np.where(s2.dataMask == 1, nd(s2.B08, s2.B04), np.nan),
            np.where(l8.dataMask == 1, nd(l8.B05, l8.B04), np.nan),
        ],
    ),
    Row(
        name="Snow above the height where it is expected",
        data=(Feed(id="l2a", times="2022-01-10/2022-01-31"), DEM),
        box=ALPS,
        script="""//VERSION=3
function setup() {
  return {
    input: [
      { datasource: "l2a", bands: ["B02", "B03", "B04", "B11"] },
      { datasource: "dem", bands: ["DEM"] },
    ],
    output: { bands: 3 },
  };
}
function evaluatePixel({ l2a: [s], dem: [d] }) {
  if (!s) return [0, 0, 0];
  const snow = index(s.B03, s.B11) > 0.4;
  if (snow && d.DEM > 1800) return [0.3, 0.6, 1];
  if (snow) return [1, 0.3, 0.3];
  return [2.5 * s.B04, 2.5 * s.B03, 2.5 * s.B02];
}
""",
        expect=lambda s2, dem: pick(
            ((snow := nd(s2.B03, s2.B11) > 0.4) & (dem.DEM > 1800), (0.3, 0.6, 1)),
            (snow, (1, 0.3, 0.3)),
            other=(2.5 * s2.B04, 2.5 * s2.B03, 2.5 * s2.B02),
        ),
    ),
    Row(
        name="Before and after of one collection",
        data=(Feed(id="before", times="2022-05-01/2022-05-31"), Feed(id="after", times="2022-06-01/2022-06-30")),
        script="""//VERSION=3
const input = (datasource) => ({ datasource, bands: ["B08", "B12", "dataMask"], mosaicking: "SIMPLE" });

function setup() {
  return {
    input: ["before", "after"].map(input),
    output: { bands: 1, sampleType: "FLOAT32" },
  };
}

const nbr = (list) => list.length ? index(list[0].B08, list[0].B12) * list[0].dataMask : 0;

function evaluatePixel(samples) {
  return [nbr(samples.before) - nbr(samples.after)];
}
""",
        kinds="FLOAT32",
        expect=lambda old, new: nd(old.B08, old.B12) * old.dataMask - nd(new.B08, new.B12) * new.dataMask,
    ),
    Row(
        name="Many days of radar and one picture",
        data=(L2A, Feed(type="sentinel-1-grd", id="s1", mode="ORBIT")),
        script="""//VERSION=3
function setup() {
  return {
    input: [
      { datasource: "s1", bands: ["VV", "dataMask"], mosaicking: "ORBIT" },
      { datasource: "l2a", bands: ["B04"], mosaicking: "SIMPLE" }
    ],
    output: { bands: 2, sampleType: "FLOAT32" }
  };
}
function evaluatePixel(samples) {
  let sum = 0, count = 0;
  for (const s of samples.s1) {
    if (s.dataMask) { sum += s.VV; count += 1; }
  }
  const red = samples.l2a.length > 0 ? samples.l2a[0].B04 : 0;
  return [count ? sum / count : 0, red];
}
""",
        kinds="FLOAT32",
        expect=lambda s2, s1: [
            over(s1.VV, s1.dataMask == 1, "mean"),
            s2.B04,
        ],
    ),
    Row(
        name="Scenes of one of two collections chosen",
        data=(Feed(id="l2a", mode="ORBIT"), GRD),
        script="""//VERSION=3
function setup() {
  return {
    input: [
      { datasource: "l2a", bands: ["B04", "B08"], mosaicking: "ORBIT" },
      { datasource: "s1", bands: ["VH"] }
    ],
    output: { bands: 2, sampleType: "FLOAT32" }
  };
}
function preProcessScenes(collections) {
  collections.l2a.scenes.orbits = collections.l2a.scenes.orbits.slice(0, 2);
  return collections;
}
function evaluatePixel(samples) {
  var best = samples.l2a.reduce((most, s) => Math.max(most, index(s.B08, s.B04)), -1);
  return [best, samples.s1.length ? samples.s1[0].VH : 0];
}
""",
        kinds="FLOAT32",
        expect=lambda s2, s1: [nd((two := s2.at(0, 1)).B08, two.B04).max(axis=0), s1.VH],
    ),
    Row(
        name="Three collections, three outputs",
        data=(L2A, GRD, DEM),
        box=COAST,
        script="""//VERSION=3
function setup() {
  return {
    input: [
      { datasource: "l2a", bands: ["B03", "B08"] },
      { datasource: "s1", bands: ["VV"] },
      { datasource: "dem", bands: ["DEM"] }
    ],
    output: [
      { id: "ndwi", bands: 1, sampleType: "FLOAT32" },
      { id: "water", bands: 1, sampleType: "UINT8" },
      { id: "height", bands: 1, sampleType: "INT16" }
    ]
  };
}
function evaluatePixel(samples) {
  const s2 = samples.l2a[0] || { B03: 0, B08: 0 };
  const s1 = samples.s1[0] || { VV: 1 };
  const ndwi = index(s2.B03, s2.B08);
  const votes = (ndwi > 0) + (s1.VV < 0.02) + (samples.dem[0].DEM <= 0);
  return { ndwi: [ndwi], water: [votes], height: [samples.dem[0].DEM] };
}
""",
        kinds={"ndwi": "FLOAT32", "water": "UINT8", "height": "INT16"},
        expect=lambda s2, s1, dem: {
            "ndwi": [nd(s2.B03, s2.B08)],
            "water": [(nd(s2.B03, s2.B08) > 0) * 1 + (s1.VV < 0.02) + (dem.DEM <= 0)],
            "height": [dem.DEM],
        },
    ),
    Row(
        name="What the air adds, between both levels, unguarded as published",
        data=(Feed(id="l1c", type="sentinel-2-l1c"), L2A),
        warned=("W001",),
        script="""//VERSION=3
function setup() {
  return {
    input: [
      { datasource: "l1c", bands: ["B02"], units: "DN" },
      { datasource: "l2a", bands: ["B02"], units: "DN" }
    ],
    output: { bands: 1, sampleType: "INT16" }
  }
}
function evaluatePixel(samples) {
  var top = samples.l1c[0]
  var bottom = samples.l2a[0]
  return [top.B02 - bottom.B02]
}
""",
        kinds="INT16",
        expect=lambda top, bottom: top.read("B02", "DN") - bottom.read("B02", "DN"),
    ),
)
