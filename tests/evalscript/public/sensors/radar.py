"""Sentinel-1: decibels, ratios, indices of vegetation, composites of two polarisations, floods, and processing."""

import numpy as np

from tests.evalscript.public.row import ARCTIC, COAST, Feed, Row
from tests.support.oracles import Plane, at_scene, blend, pick, ratio

GRD = Feed(type="sentinel-1-grd")
BOTH_DAYS = Feed(type="sentinel-1-grd", mode="ORBIT")
GAMMA = Feed(type="sentinel-1-grd", processing="orthorectify: true, backCoeff: GAMMA0_TERRAIN")


def _db(power: Plane, lowest: float = 1e-30) -> Plane:
    return np.asarray(10 * np.log10(np.maximum(power, lowest)))


ROWS = (
    Row(
        name="VV in decibels, grey",
        data=(GRD,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["VV", "dataMask"],
    output: { bands: 2 }
  }
}

// visualizes decibels from -20 to +0
function toDb(linear) {
  var log = 10 * Math.log(linear) / Math.LN10;
  var val = Math.max(0, (log + 20) / 20);
  return val;
}

function evaluatePixel(samples) {
  return [toDb(samples.VV), samples.dataMask];
}
""",
        expect=lambda b: [np.maximum(0, (_db(b.VV) + 20) / 20), b.dataMask],
    ),
    Row(
        name="VH in decibels as it is",
        data=(GRD,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["VH", "dataMask"] }],
    output: { id: "default", bands: 1, sampleType: "FLOAT32", nodataValue: -999 },
  };
}
function evaluatePixel(s) {
  return [s.dataMask === 0 || s.VH <= 0 ? -999 : 10 * Math.log10(s.VH)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.where((b.dataMask == 0) | (b.VH <= 0), -999, _db(b.VH)),
    ),
    Row(
        name="Radar vegetation index",
        data=(GAMMA,),
        script="""//VERSION=3
// RVI of dual polarisation
function setup() {
  return {
    input: ["VV", "VH", "dataMask"],
    output: { bands: 4 }
  };
}
const ramp = [[0, [1, 1, 1]], [0.5, [0.6, 0.5, 0.1]], [1, [0, 0.3, 0]]];
const limits = ramp.map((pair) => pair[0]);
const colors = ramp.map((pair) => pair[1]);

function evaluatePixel(sample) {
  const total = sample.VV + sample.VH;
  if (total === 0) return [0, 0, 0, 0];
  const q = sample.VV / total;
  const m = 1 - q;
  const value = Math.sqrt(q * m) * (4 * sample.VH / total);
  return [...valueInterpolate(value, limits, colors), sample.dataMask];
}
""",
        expect=lambda b: [
            *(
                np.where(t == 0, 0, each)
                for t in [b.VV + b.VH]
                for q in [ratio(b.VV, t)]
                for r in [ratio(4 * b.VH, t)]
                for each in blend(np.sqrt(q * (1 - q)) * r, (0, 0.5, 1), ((1, 1, 1), (0.6, 0.5, 0.1), (0, 0.3, 0)))
            ),
            b.dataMask,
        ],
    ),
    Row(
        name="VV, twice VH and their ratio",
        data=(GRD,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["VV", "VH"],
    output: { bands: 3 }
  };
}
var evaluatePixel = function (sample) {
  return [sample.VV, 2 * sample.VH, sample.VH > 0 ? sample.VV / sample.VH / 100.0 : 0];
};
""",
        expect=lambda b: [b.VV, 2 * b.VH, ratio(b.VV, b.VH) / 100],
    ),
    Row(
        name="Towns in radar, over water in blue",
        data=(Feed(type="sentinel-1-grd", processing="backCoeff: SIGMA0_ELLIPSOID, orthorectify: true"),),
        box=COAST,
        script="""//VERSION=3
const wc = 0.02; // below it there is water
function setup() {
  return {
    input: [{ bands: ["VV", "VH", "dataMask"], units: ["LINEAR_POWER", "LINEAR_POWER", "DN"] }],
    output: { bands: 4 }
  };
}
function evaluatePixel({ VV, VH, dataMask }) {
  if (VV < wc) {
    return [0, VV * 2, 0.1 + VV * 4, dataMask];
  }
  return [VV * 3, Math.sqrt(VH), VH * 5, dataMask];
}
""",
        expect=lambda b: [
            *pick((b.VV < 0.02, (0, b.VV * 2, 0.1 + b.VV * 4)), other=(b.VV * 3, np.sqrt(b.VH), b.VH * 5)),
            b.dataMask,
        ],
    ),
    Row(
        name="A flood: darker than it was",
        data=(BOTH_DAYS,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["VV", "dataMask"],
    output: { bands: 1, sampleType: "UINT8" },
    mosaicking: "ORBIT"
  };
}

function toDb(x) { return 10 * Math.log(Math.max(x, 1e-6)) / Math.LN10; }

function evaluatePixel(samples) {
  const seen = samples.filter((s) => s.dataMask === 1);
  if (seen.length < 2) { return [255]; }
  const now = toDb(seen[0].VV);
  const before = seen.slice(1).map((s) => toDb(s.VV)).reduce((a, b) => a + b, 0) / (seen.length - 1);
  return [now - before < -0.5 ? 2 : now - before < 0 ? 1 : 0];
}
""",
        kinds="UINT8",
        expect=lambda b: np.where(
            (n := (good := b.dataMask == 1).sum(axis=0)) < 2,
            255,
            np.digitize(
                -(
                    (now := at_scene(v := _db(b.VV, 1e-6), good.argmax(axis=0)))
                    - (np.where(good, v, 0).sum(axis=0) - now) / np.maximum(n - 1, 1)
                ),
                [0, 0.5],
                right=True,
            ),
        ),
    ),
    Row(
        name="Mean, lowest and highest over time",
        data=(BOTH_DAYS,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["VV", "dataMask"] }],
    output: { bands: 3, sampleType: "FLOAT32" },
    mosaicking: "ORBIT"
  };
}
function evaluatePixel(samples) {
  var values = [];
  for (var key in samples) {
    if (samples[key].dataMask) values.push(samples[key].VV);
  }
  if (values.length == 0) return [0, 0, 0];
  var sum = 0;
  values.forEach(function (v) { sum += v; });
  return [sum / values.length, Math.min.apply(null, values), Math.max.apply(null, values)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            np.where(b.dataMask.any(axis=0), each, 0)
            for n in [np.maximum(b.dataMask.sum(axis=0), 1)]
            for each in (
                (b.VV * b.dataMask).sum(axis=0) / n,
                np.where(b.dataMask == 1, b.VV, np.inf).min(axis=0),
                np.where(b.dataMask == 1, b.VV, -np.inf).max(axis=0),
            )
        ],
    ),
    Row(
        name="One direction of flight, smoothed by a filter",
        data=(
            Feed(
                type="sentinel-1-grd",
                filters="orbitDirection: ASCENDING, acquisitionMode: IW, polarization: DV, resolution: HIGH",
                processing="speckleFilter: {type: LEE, windowSizeX: 5, windowSizeY: 5}",
            ),
        ),
        script="""//VERSION=3
function setup() {
  return { input: ["VV", "VH"], output: { bands: 2, sampleType: "FLOAT32" } };
}
function evaluatePixel(s) {
  return [s.VV, s.VH];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [b.VV, b.VH],
    ),
    Row(
        name="Ice in HH and HV",
        data=(Feed(type="sentinel-1-grd", filters="acquisitionMode: EW, polarization: DH, resolution: MEDIUM"),),
        box=ARCTIC,
        script="""//VERSION=3
function setup() {
  return {
    input: ["HH", "HV", "dataMask"],
    output: { bands: 4 }
  };
}
function evaluatePixel(samples) {
  const ratio = samples.HH === 0 ? 0 : samples.HV / samples.HH;
  return [Math.sqrt(samples.HH), Math.sqrt(samples.HV), ratio, samples.dataMask];
}
""",
        expect=lambda b: [
            np.sqrt(b.HH),
            np.sqrt(b.HV),
            ratio(b.HV, b.HH),
            b.dataMask,
        ],
    ),
    Row(
        name="Angle of incidence and scattering area of flattened terrain",
        data=(GAMMA,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["VV", "localIncidenceAngle", "scatteringArea", "shadowMask"] }],
    output: { bands: 4, sampleType: "FLOAT32" },
  };
}
function evaluatePixel(s) {
  const cos = Math.cos(s.localIncidenceAngle * Math.PI / 180);
  return [s.VV * cos, s.localIncidenceAngle, s.scatteringArea, s.shadowMask];
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            b.VV * np.cos(np.radians(b.localIncidenceAngle)),
            b.localIncidenceAngle,
            b.scatteringArea,
            b.shadowMask,
        ],
    ),
    Row(
        name="Power stretched by hand into bytes",
        data=(Feed(type="S1GRD"),),
        media="image/jpeg",
        warned=("W100",),
        script="""//VERSION=3
// @bands VV, VH
function setup () { return { input: ['VV', 'VH'], output: { bands: 3, sampleType: 'UINT8' } } }
function byte (v, lo, hi) { return ~~(255 * Math.min(Math.max((v - lo) / (hi - lo), 0), 1)) }
function evaluatePixel (s) {
  return [byte(s.VV, 0, 0.3), byte(s.VH, 0, 0.08), byte(s.VV - s.VH, 0, 0.25)]
}
""",
        kinds="UINT8",
        expect=lambda b: [
            np.floor(255 * np.clip((v - 0) / high, 0, 1))
            for v, high in ((b.VV, 0.3), (b.VH, 0.08), (b.VV - b.VH, 0.25))
        ],
    ),
)
