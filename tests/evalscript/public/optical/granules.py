"""Granules one by one (TILE): in order of their clouds, chosen by them, and by their dates in each way of reading."""

from datetime import UTC, datetime

import numpy as np

from tests.evalscript.public.row import Feed, Row
from tests.support.oracles import first, over

TILE = Feed(mode="TILE")
JULY = datetime(2022, 7, 1, tzinfo=UTC).timestamp()

ROWS = (
    Row(
        name="Granules in order of their clouds",
        data=(Feed(mode="TILE", filters="mosaickingOrder: leastCC"),),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B02", "B03", "B04", "dataMask"],
    output: { bands: 4 },
    mosaicking: "TILE"
  };
}

function evaluatePixel(samples) {
  for (let i = 0; i < samples.length; i++) {
    const s = samples[i];
    if (s.dataMask == 1) return [2.5 * s.B04, 2.5 * s.B03, 2.5 * s.B02, 1];
  }
  return [0, 0, 0, 0];
}
""",
        expect=lambda b: [
            *(2.5 * first(v, b.dataMask == 1) for v in (b.B04, b.B03, b.B02)),
            (b.dataMask == 1).any(axis=0),
        ],
    ),
    Row(
        name="Mean of all granules that have data",
        data=(TILE,),
        script="""//VERSION=3
const setup = () => ({
  input: [{ bands: ["B04", "B08", "dataMask"] }],
  output: [{ bands: 2, sampleType: "FLOAT32" }],
  mosaicking: Mosaicking.TILE,
});

const mean = (list) => list.length ? list.reduce((a, b) => a + b) / list.length : 0;

const evaluatePixel = (samples) => {
  const valid = samples.filter((s) => s.dataMask);
  return [mean(valid.map((s) => s.B04)), mean(valid.map((s) => s.B08))];
};
""",
        kinds="FLOAT32",
        expect=lambda b: [over(v, b.dataMask == 1, "mean") for v in (b.B04, b.B08)],
    ),
    Row(
        name="Granules with few clouds alone",
        data=(TILE,),
        script="""//VERSION=3
function setup() {
  return {
    input: [{ bands: ["B02", "B03", "B04", "dataMask"] }],
    output: { bands: 3 },
    mosaicking: "TILE"
  }
}
function preProcessScenes(collections) {
  collections.scenes.tiles = collections.scenes.tiles.filter(function (tile) {
    return tile.cloudCoverage < 50;
  });
  return collections;
}
function evaluatePixel(samples) {
  const first = samples.filter((s) => s.dataMask)[0];
  return first ? [first.B04, first.B03, first.B02].map((x) => 2.5 * x) : [0, 0, 0];
}
""",
        expect=lambda b: [
            2.5 * first(v, clear.dataMask == 1)
            for clear in [b.at(*(n for n, tile in enumerate(b.tiles) if tile.cloud_coverage < 50))]
            for v in (clear.B04, clear.B03, clear.B02)
        ],
    ),
    Row(
        name="Age of the newest observation by the dates of granules",
        data=(TILE,),
        script="""//VERSION=3
function setup() {
  return {
    input: ["dataMask"],
    output: { bands: 1, sampleType: "FLOAT32" },
    mosaicking: "TILE",
  };
}
const NOW = Date.UTC(2022, 6, 1);
function evaluatePixel(samples, scenes) {
  for (let i = 0; i < samples.length; i++) {
    if (samples[i].dataMask === 1) {
      return [(NOW - scenes.tiles[i].date.getTime()) / 3600000];
    }
  }
  return [-1];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.array([(JULY - time.timestamp()) / 3600 for time in b.times])[
            (b.dataMask == 1).argmax(axis=0)
        ],
        is_flat=True,  # one swath saw all of it
    ),
    Row(
        name="Months by number from the dates of granules",
        data=(Feed(mode="TILE", times="2022-05-15/2022-06-15"),),
        script="""//VERSION=3
function setup() {
  return { input: ["B04", "dataMask"], output: { bands: 2, sampleType: "FLOAT32" }, mosaicking: "TILE" };
}
function evaluatePixel(samples, scenes) {
  var sums = [0, 0], counts = [0, 0];
  for (var i = 0; i < samples.length; i++) {
    if (samples[i].dataMask === 0) continue;
    var slot = scenes.tiles[i].date.getMonth() - 4;
    sums[slot] += samples[i].B04;
    counts[slot] += 1;
  }
  return sums.map(function (sum, k) { return counts[k] ? sum / counts[k] : 0; });
}
""",
        kinds="FLOAT32",
        expect=lambda b: [
            over(some.B04, some.dataMask == 1, "mean")
            for month in (5, 6)
            for some in [b.only(lambda day, month=month: day.month == month)]
        ],
    ),
    Row(
        name="Dates of granules as text, cut and sorted",
        data=(TILE,),
        script="""//VERSION=3
function setup() {
  return { input: ["B03", "dataMask"], output: { bands: 1 }, mosaicking: "TILE" };
}
function evaluatePixel(samples, scenes, inputMetadata, customData, outputMetadata) {
  outputMetadata.userData = { days: [...new Set(scenes.tiles.map((t) => t.date.slice(0, 10)))].sort() };
  const value = samples.map((s) => s.B03).find((v) => v > 0);
  return [value === undefined ? 0 : value];
}
""",
        expect=lambda b: first(b.B03, b.B03 > 0),
        userdata=lambda b: {"days": sorted({str(day) for day in b.dates})},
    ),
)
