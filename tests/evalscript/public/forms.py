"""How scripts are written: pragmas, line ends, indentation, the short form without functions."""

import numpy as np

from tests.evalscript.public.row import ALPS, Feed, Row
from tests.support.oracles import blend, nd, pick

_GREEN = """function setup() {
  return { input: ["B03", "B08"], output: { bands: 1, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  return [index(sample.B08, sample.B03)];
}
"""
_PICTURE = """\
    function setup() {
        return {
            input: [{
                bands: ["B02", "B03", "B04"]
            }],
            output: {
                bands: 3
            }
        };
    }

    function evaluatePixel(sample) {
        return [sample.B04, sample.B03, sample.B02];
    }
"""


def _green(name: str, script: str) -> Row:
    return Row(name=name, script=script, kinds="FLOAT32", expect=lambda b: nd(b.B08, b.B03))


def _picture(name: str, script: str) -> Row:
    return Row(name=name, script=script, expect=lambda b: [b.B04, b.B03, b.B02])


ROWS = (
    _picture("A line break before the pragma, all of it indented", f"\n    //VERSION=3\n\n{_PICTURE}"),
    _green("White space before the pragma", f"  \t//VERSION=3\n{_GREEN}"),
    _green("Several empty lines before the pragma", f"\n\n\n//VERSION=3\n// by hand\n{_GREEN}"),
    _green("A space inside the pragma", f"// VERSION=3\nvar unused;\n{_GREEN}"),
    _green("Words behind the pragma", f"//VERSION=3 (auto-converted from 1)\n/* green NDVI */\n{_GREEN}"),
    _green("Spaces behind the pragma and none at the end", f"//VERSION=3   \nlet a, b;\n{_GREEN.rstrip()}"),
    _green("A byte order mark before the pragma", f"\ufeff//VERSION=3\n'use strict';\n{_GREEN}"),
    _green("Lines that end as on Windows", f"//VERSION=3\nconst w = 1;\n{_GREEN}".replace("\n", "\r\n")),
    _picture("Windows, a mark and an empty line at once", f"\ufeff\n//VERSION=3\n{_PICTURE}".replace("\n", "\r\n")),
    _picture("Tabs, and no semicolon", f"//VERSION=3\n{_PICTURE}".replace("    ", "\t").replace(";", "")),
    _picture(
        "All on one line but the pragma",
        "//VERSION=3\nfunction setup(){return{input:['B02','B03','B04'],output:{bands:3}}}"
        "function evaluatePixel(s){return[s.B04,s.B03,s.B02]}",
    ),
    _picture(
        "A long comment between pragma and functions",
        f"//VERSION=3\n/*\n{'  Author: anybody. Licence: CC BY-SA 4.0.' * 8}\n*/\n//----\n\n{_PICTURE}",
    ),
    Row(
        name="Short: a picture",
        script="//VERSION=3\nreturn [2.5 * B04, 2.5 * B03, 2.5 * B02];\n",
        expect=lambda b: [2.5 * b.B04, 2.5 * b.B03, 2.5 * b.B02],
    ),
    Row(
        name="Short: a ratio painted by colorBlend",
        script="""//VERSION=3
let ndvi = (B08 - B04) / (B08 + B04);
return colorBlend(ndvi, [0, 0.5, 1], [[1, 1, 1], [0.4, 0.7, 0.2], [0, 0.2, 0]]);
""",
        expect=lambda b: blend(nd(b.B08, b.B04), (0, 0.5, 1), ((1, 1, 1), (0.4, 0.7, 0.2), (0, 0.2, 0))),
    ),
    Row(
        name="Short: cases with several returns",
        script="""//VERSION=3
var snow = index(B03, B11);
if (snow > 0.4) return [0, 0.8, 1];
if (SCL == 6) {
  return [0, 0, 0.6];
}
return [2 * B04, 2 * B03, 2 * B02];
""",
        expect=lambda b: pick(
            (nd(b.B03, b.B11) > 0.4, (0, 0.8, 1)), (b.SCL == 6, (0, 0, 0.6)), other=(2 * b.B04, 2 * b.B03, 2 * b.B02)
        ),
    ),
    Row(
        name="Short: transparent where there is no data",
        script="//VERSION=3\nconst f = 3.5;\nreturn [f * B12, f * B8A, f * B04, dataMask]",
        media="image/png",
        expect=lambda b: [3.5 * b.B12, 3.5 * b.B8A, 3.5 * b.B04, b.dataMask],
    ),
    Row(
        name="Short: a function in between",
        script="""//VERSION=3
// of two bands
const stretch = (x, low, high) => (x - low) / (high - low);
return [stretch(B08, 0, 0.5)];
""",
        expect=lambda b: b.B08 / 0.5,
    ),
    Row(
        name="Short: radar",
        data=(Feed(type="sentinel-1-grd"),),
        script="//VERSION=3\nreturn [VV, 2 * VH, VV - VH]\n",
        expect=lambda b: [b.VV, 2 * b.VH, b.VV - b.VH],
    ),
    Row(
        name="Short: heights",
        data=(Feed(type="dem"),),
        box=ALPS,
        script="\n  //VERSION=3\n  return [DEM / 4000]",
        expect=lambda b: b.DEM / 4000,
    ),
    Row(
        name="A sample under SIMPLE read through a copy and by computed names",
        script="""//VERSION=3
const numbers = [2, 3, 4];
function setup() {
  return { input: numbers.map((n) => `B0${n}`), output: { bands: 1, sampleType: "FLOAT32" } };
}
function evaluatePixel(sample) {
  const copy = { ...sample };
  let total = 0;
  for (const n of numbers) total += copy[`B0${n}`] ** 2;
  return [Math.sqrt(total)];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.sqrt(b.B02**2 + b.B03**2 + b.B04**2),
    ),
    Row(
        name="Bands read by name in brackets",
        data=(Feed(mode="ORBIT", filters="mosaickingOrder: leastRecent"),),
        script="""//VERSION=3
function setup() {
  return {
    input: ["B04", "dataMask"],
    output: { bands: 1, sampleType: "FLOAT32" },
    mosaicking: "ORBIT"
  };
}
function evaluatePixel(samples) {
  if (samples.length > 0 && samples[0]["dataMask"] === 1) {
    return [samples[0]["B04"]];
  }
  return [0];
}
""",
        kinds="FLOAT32",
        expect=lambda b: np.where(b.dataMask[0] == 1, b.B04[0], 0),
    ),
    Row(
        name="Classes that inherit, and static members",
        script="""//VERSION=3
class Index {
  constructor(a, b) { Object.assign(this, { a, b }); }
  static of(a, b) { return new this(a, b); }
  value(s) { return (s[this.a] - s[this.b]) / (s[this.a] + s[this.b]); }
}
class Scaled extends Index {
  value(s, { low = -1, high = 1 } = {}) { return (super.value(s) - low) / (high - low); }
}
const [water, plants] = [Scaled.of("B03", "B08"), Scaled.of("B08", "B04")];
function setup() { return { input: ["B03", "B04", "B08"], output: { bands: 3 } }; }
function evaluatePixel(s) {
  return [0, plants.value(s), water.value(s)];
}
""",
        expect=lambda b: [0 * b.B03, (nd(b.B08, b.B04) + 1) / 2, (nd(b.B03, b.B08) + 1) / 2],
    ),
    Row(
        name="Closures, maps and generators",
        script="""//VERSION=3
const setup = () => ({ input: ["B04", "B08", "SCL"], output: { bands: 2 } });
const gains = new Map([[4, 1.2], [5, 0.8]]);
function* both(sample) { yield sample.B04; yield sample.B08; }
const times = (factor) => (x) => factor * x;
const evaluatePixel = (sample) => Array.from(both(sample), times(gains.get(sample.SCL) ?? 1));
""",
        expect=lambda b: [np.select([b.SCL == 4, b.SCL == 5], [1.2, 0.8], 1) * each for each in (b.B04, b.B08)],
    ),
    Row(
        name="A global without a declaration, written before it is read",
        script="""//VERSION=3
function setup() {
  return { input: ["B04", "B08"], output: { bands: 3 } };
}
function evaluatePixel(sample) {
  ndvi = (sample.B08 - sample.B04) / (sample.B08 + sample.B04);
  visualized = valueInterpolate(ndvi, [0, 1], [[1, 1, 0.8], [0, 0.3, 0]]);
  return visualized;
}
""",
        expect=lambda b: blend(nd(b.B08, b.B04), (0, 1), ((1, 1, 0.8), (0, 0.3, 0))),
    ),
)
