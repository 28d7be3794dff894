"""No hint where nothing is wrong: the usual ways of writing a script, and what only looks like a fault."""

from typing import Any

import pytest

from tests.analysis.test_hints import BOTH, FIRST, HALF_YEAR, YEARS, moving, script, simple
from tests.support.scripts import accepted, appraised, of_the_script, reported

RGB = '"B04", "B03", "B02"'
PICTURE = "{bands: 3}"
FUSED = {"collections": "sentinel-2-l2a as S2, landsat-ot-l1 as LANDSAT-OT-L1"}
TWO_SOURCES = '{datasource: "S2", bands: ["B04"]}, {datasource: "LANDSAT-OT-L1", bands: ["B05"]}'
OWN = "byoc-01234567-89ab-cdef-0123-456789abcdef"
USERDATA = [("default", "image/tiff"), ("userdata", "application/json")]


def right(id: str, text: str, **asked: Any) -> Any:
    return pytest.param(text, asked, id=id)


WAYS_TO_WRITE = [
    right("a pattern as parameter", simple("function evaluatePixel({B04, B08}) { return [B08 - B04]; }")),
    right("a pattern of constants", simple("function evaluatePixel(s) { const {B04, B08} = s; return [B08 - B04]; }")),
    right("an arrow that is an expression", simple("const evaluatePixel = ({B04, B08}) => [index(B08, B04)];")),
    right("an arrow that returns an object", simple("let evaluatePixel = (s) => ({default: [s.B08 - s.B04]});")),
    right("a function that takes the sample", simple("const ndvi = (s) => index(s.B08, s.B04);", BOTH)),
    right("brackets with quotes", simple("function evaluatePixel(s) { return [s['B08'] - s[\"B04\"]]; }")),
    right(
        "constants at the top", simple("const [A, B] = ['B08', 'B04'];", "var evaluatePixel = (s) => [s[A] - s[B]];")
    ),
    right(
        "a variable declared twice", simple("function evaluatePixel(s) { var a = s.B04; var a = s.B08; return [a]; }")
    ),
    right(
        "every key of a sample", simple("const evaluatePixel = (s) => [Object.keys(s).reduce((a, k) => a + s[k], 0)];")
    ),
    right("a copy of a sample", simple("const evaluatePixel = (s) => { const c = {...s}; return [c.B04 - c.B08]; };")),
    right("a sample as text", simple("const evaluatePixel = (s) => [JSON.parse(JSON.stringify(s)).B08];")),
    right(
        "the last sample as text",
        moving("const evaluatePixel = (all) => [all.length && JSON.stringify(all[all.length - 1]).length];"),
    ),
    right(
        "a loop without let", simple("function evaluatePixel(s) { for (i = 0; i < 2; i++) {} return [s.B04 * s.B08]; }")
    ),
    right("a result without let", simple("function evaluatePixel(s) { ndvi = index(s.B08, s.B04); return [ndvi]; }")),
    right(
        "a table made at the first pixel",
        simple(
            "let table;", "function evaluatePixel(s) { if (!table) table = [2, 3]; return [table[0] * s.B04 - s.B08]; }"
        ),
    ),
    right(
        "a maximum that is only reported",
        simple(
            "let most = 0;",
            "function evaluatePixel(s) { most = Math.max(most, s.B04); return [s.B08]; }",
            "function updateOutputMetadata(scenes, input, output) { output.userData = {most}; }",
        ),
        responses=USERDATA,
    ),
    right(
        "a value reported for each pixel",
        simple(
            "function evaluatePixel(s, a, b, c, out) { out.userData = {v: b.serviceVersion}; return [s.B04 - s.B08]; }"
        ),
        responses=USERDATA,
    ),
    right(
        "a class",
        simple("class Ratio { of(s) { return s.B08 / s.B04; } }", "const evaluatePixel = (s) => [new Ratio().of(s)];"),
    ),
    right(
        "a switch over classes",
        simple(
            "function evaluatePixel(s) {",
            "  switch (s.SCL) { case 3: case 8: case 9: return [1, 1, 1]; case 6: return [0, 0, 1];",
            "    default: return [s.B04, s.B03, s.B02].map((band) => 2.5 * band); } }",
            bands=f'"SCL", {RGB}',
            output=PICTURE,
        ),
    ),
    right("a ternary and a default parameter", simple("const evaluatePixel = (s, n = 2) => [s.B04 > n ? s.B08 : 0];")),
    right(
        "a loop over samples",
        moving("const evaluatePixel = (all) => { let n = 0; for (const s of all) n += s.B04; return [n]; };"),
    ),
    right(
        "reduce with a beginning",
        moving("const evaluatePixel = (all) => [all.reduce((a, s) => Math.max(a, s.B04), 0)];"),
    ),
    right(
        "forEach",
        moving("const evaluatePixel = (all) => { let n = 0; all.forEach((s) => { n += s.B04; }); return [n]; };"),
    ),
    right(
        "an early return",
        moving(
            "function evaluatePixel(all) { if (!all.length) return [0]; return [all[0]['B04']]; }",
            mode="Mosaicking.TILE",
        ),
    ),
    right(
        "a script for every mosaicking",
        simple("function evaluatePixel(s) { if (Array.isArray(s)) s = s[0]; return [s.B04 - s.B08]; }"),
    ),
    right(
        "the first sample, or the only one",
        simple("function evaluatePixel(s) { const one = s[0] || s; return [one.B04 - one.B08]; }"),
    ),
    right(
        "scenes.orbits in a variable of the same name",
        moving(
            "function evaluatePixel(all, scenes) { scenes = scenes.orbits;",
            "  return [all.length && all[0].B04 + scenes.length]; }",
        ),
    ),
    right(
        "another function with a parameter called scenes",
        moving(
            "const count = (scenes) => scenes.length;",
            "const evaluatePixel = (all, scenes) => [all.map((s) => s.B04).length + count(scenes.orbits)];",
        ),
    ),
    right(
        "sources of which one may be missing",
        script(
            f"{{input: [{TWO_SOURCES}], output: {{bands: 1, sampleType: 'FLOAT32'}}}}",
            "function evaluatePixel(all) { const [a] = all.S2, [b] = all['LANDSAT-OT-L1'];",
            "  return [a ? a.B04 : b ? b.B05 : 0]; }",
        ),
        **FUSED,
    ),
    right("words in a comment", simple("// Mosaicking.TILES, filterScenes, scenes[0]", BOTH)),
]

LOOKS_WRONG = [
    right("an optional band", simple("function evaluatePixel(s) { return [s.B08 - s.B04 + (s.B11 || 0)]; }")),
    right(
        "a band that is asked for", simple("function evaluatePixel(s) { return ['B11' in s ? s.B11 : s.B08 - s.B04]; }")
    ),
    right("a band with a default", simple("function evaluatePixel({B04, B08, B11 = 0}) { return [B08 - B04 + B11]; }")),
    right("a note on a sample", simple("function evaluatePixel(s) { s.ndvi = index(s.B08, s.B04); return [s.ndvi]; }")),
    right(
        "a note that is looked for", simple("function evaluatePixel(s) { s.v = s.v || s.B08 - s.B04; return [s.v]; }")
    ),
    right(
        "a property of one's own data that no table knows",
        simple("function evaluatePixel(s) { return [s.extra ? 1 : s.R]; }", bands='"R"'),
        collections=OWN,
    ),
    right(
        "names of bands that are put together",
        simple("const read = (s, n) => s['B0' + n];", "function evaluatePixel(s) { return [read(s, 4)]; }"),
    ),
    right(
        "a name put together in a variable",
        simple("function evaluatePixel(s) { const n = `B0${s.B04 > 5 ? 8 : 4}`; return [s[n]]; }"),
    ),
    right("a band read now and then", simple("function evaluatePixel(s) { return [s.B04 > 5 ? s.B08 : 0]; }")),
    right(
        "a picture with its darkest values cut off",
        simple("function evaluatePixel(s) { return [s.B08, s.B04, 3 * (s.B04 - 0.2)]; }", output=PICTURE),
    ),
    right(
        "a picture with an index among its bands",
        simple("function evaluatePixel(s) { return [index(s.B08, s.B04), s.B04, s.B08]; }", output=PICTURE),
    ),
    right("a bright picture", simple("const evaluatePixel = (s) => [10 * s.B04, 10 * s.B08];", output="{bands: 2}")),
    right(
        "an index scaled to AUTO",
        simple("const evaluatePixel = (s) => [index(s.B08, s.B04) / 2 + 0.5];", output="{bands: 1}"),
    ),
    right(
        "colours of 0 and 255 as AUTO",
        simple("const evaluatePixel = (s) => (s.B04 > s.B08 ? [255, 0, 0] : [0, 0, 255]);", output=PICTURE),
    ),
    right(
        "a gas scaled to AUTO",
        simple("const evaluatePixel = (s) => [s.NO2 * 5000];", bands='"NO2"', output="{bands: 1}"),
        collections="sentinel-5p-l2",
        times="2020-01-01/2020-01-01",
    ),
    right(
        "decibels scaled to AUTO",
        simple("const evaluatePixel = (s) => [1 + Math.log10(s.VV) / 2.5];", bands='"VV"', output="{bands: 1}"),
        collections="sentinel-1-grd",
    ),
    right(
        "a temperature scaled to AUTO",
        simple("const evaluatePixel = (s) => [(s.B10 - 250) / 80];", bands='"B10"', output="{bands: 1}"),
        collections="landsat-ot-l1",
    ),
    right(
        "one's own data, whatever it holds, as AUTO",
        simple("const evaluatePixel = (s) => [3 * s.R + 2];", bands='"R"', output="{bands: 1}"),
        collections=OWN,
    ),
    right(
        "classes of heights in an unsigned type",
        simple(
            "const evaluatePixel = (s) => [s.DEM > 100 ? 1 : 0];",
            bands='"DEM"',
            output='{bands: 1, sampleType: "UINT8"}',
        ),
        collections="dem",
    ),
    right(
        "heights without those below zero",
        simple(
            "const evaluatePixel = (s) => [Math.max(0, s.DEM)];",
            bands='"DEM"',
            output='{bands: 1, sampleType: "UINT16"}',
        ),
        collections="dem",
    ),
    right(
        "a number that happens to be a height",
        simple(
            "const evaluatePixel = (s) => [s.DEM > 0 ? 290 : 120];",
            bands='"DEM"',
            output='{bands: 1, sampleType: "UINT16"}',
        ),
        collections="dem",
    ),
    right(
        "reflectances in whole numbers",
        simple("const evaluatePixel = (s) => [1e4 * s.B04 - s.B08];", output="{bands: 1, sampleType: 'INT16'}"),
    ),
    right(
        "a mask in whole numbers",
        simple("const evaluatePixel = (s) => [s.B04 > s.B08];", output="{bands: 1, sampleType: 'UINT8'}"),
    ),
    right(
        "a nodata value that is not a number",
        simple(BOTH, output="{bands: 1, sampleType: 'FLOAT32', nodataValue: NaN}"),
    ),
    right(
        "a nodata value at the end of its type",
        simple(
            "const evaluatePixel = (s) => [1e4 * s.B04 - s.B08];",
            output="{bands: 1, sampleType: 'INT16', nodataValue: -32768}",
        ),
    ),
    right(
        "a mask band in a TIFF",
        simple(
            "function evaluatePixel(s) { return [200 * s.B04, s.dataMask]; }",
            bands='"B04", "dataMask"',
            output='{bands: 2, sampleType: "UINT8"}',
        ),
    ),
    right(
        "returns of another length in a branch that is switched off",
        simple(
            "const all = false;",
            "function evaluatePixel(s) {",
            "  if (all) {",
            "    return [s.B04, s.B08]; }",
            "  return [s.B08 - s.B04]; }",
        ),
    ),
    right(
        "nothing for pixels without data",
        simple("function evaluatePixel(s) { if (s.B04 + s.B08 > 0) return [s.B04]; }"),
    ),
    right("index as a plain name", simple("function evaluatePixel(s) { var index = s.B08; return [index - s.B04]; }")),
    right(
        "index as a name in another function",
        simple("const twice = (index) => 2 * index;", "const half = () => { var index = 1; return index; };", BOTH),
    ),
    right("an index of one's own", simple("function index(a, b) { return a - b; }", BOTH)),
    right(
        "a local with the name of a global",
        simple("const seen = [];", "function evaluatePixel(s) { let seen = s.B04; seen += s.B08; return [seen]; }"),
    ),
    right("chance", simple("let n = 0;", "function evaluatePixel(s) { n += s.B04 * s.B08; return [Math.random()]; }")),
    right(
        "functions of an older version that the script calls",
        simple("const setInputComponents = (list) => list;", "setInputComponents([]);", BOTH),
    ),
    right(
        "the end of the time range, where it exists",
        moving(
            FIRST, "function preProcessScenes(all) {", "  if (all.to) all.since = all.to; return all; }", mode='"TILE"'
        ),
    ),
    right(
        "orbits in updateOutput, where they exist",
        moving(FIRST, "function updateOutput(out, all) { out.default.bands = all.scenes.orbits ? 1 : 1; }"),
    ),
    right(
        "every key that is documented",
        script(
            "{input: [{bands: ['B04'], units: 'DN', metadata: ['bounds'], mosaicking: 'SIMPLE'}], "
            "output: [{id: 'default', bands: 1, sampleType: 'UINT16', nodataValue: 0}], mosaicking: 'SIMPLE'}",
            "const evaluatePixel = (s) => [s.B04];",
        ),
    ),
    right("some months of scenes", moving(FIRST), times=HALF_YEAR.replace("06-30", "06-20")),
    right(
        "one day of gases",
        simple("function evaluatePixel(s) { return [s.NO2]; }", bands='"NO2"'),
        collections="sentinel-5p-l2",
        times="2020-01-01/2020-01-01",
    ),
    right(
        "a constant that may not exist, with another beside it",
        simple(BOTH, output="{bands: 1, sampleType: SampleType.FLOAT64 || 'FLOAT32'}"),
    ),
    right(
        "constants of one's own",
        simple("const SampleType = {FLOAT: 'FLOAT32'};", BOTH, output="{bands: 1, sampleType: SampleType.FLOAT}"),
    ),
    right("no cloud mask where it is uncertain", simple(BOTH), deployment="cdse"),
    right(
        "years of scenes that the script chooses from",
        moving(FIRST, "function preProcessScenes(all) { all.scenes.orbits.splice(9); return all; }"),
        times=YEARS,
    ),
    right(
        "a choice of scenes for one of two sources",
        script(
            '{input: [{datasource: "S2", bands: ["B04"], mosaicking: "ORBIT"}, '
            '{datasource: "LANDSAT-OT-L1", bands: ["B05"]}], output: {bands: 1, sampleType: "FLOAT32"}}',
            "const sum = (...lists) => lists.flat().reduce((a, s) => a + (s.B04 || s.B05), 0);",
            "const evaluatePixel = (all) => [sum(all.S2, all['LANDSAT-OT-L1'])];",
            "const preProcessScenes = (all) => all;",
        ),
        **FUSED,
    ),
    right(
        "an alpha as large as its type",
        simple(
            "function evaluatePixel(s) { return [200 * s.B04, 255 * s.dataMask]; }",
            bands='"B04", "dataMask"',
            output='{bands: 2, sampleType: "UINT8"}',
        ),
        responses=[("default", "image/png")],
    ),
    right("a script of 30 KB", simple(BOTH, "// " + "x" * 30000)),
]


@pytest.mark.parametrize(("text", "asked"), [*WAYS_TO_WRITE, *LOOKS_WRONG])
def test_no_hint_for(text: str, asked: dict[str, Any]) -> None:
    deployment = asked.get("deployment", "sandbox")
    job = accepted(text, **{key: value for key, value in asked.items() if key != "deployment"})
    found = appraised(job, deployment)
    assert reported(of_the_script((*found.problems, *found.warnings))) == []
