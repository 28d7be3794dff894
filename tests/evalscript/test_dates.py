"""The dates of scenes serve scripts that take them for text and scripts that take them for a Date."""

import os
import time
from array import array
from collections.abc import Iterator
from typing import Any

import pytest

from controller.evalscript.blocks import PixelBlock, Planes, Samples
from controller.evalscript.engine import Engine, ScenePlan
from controller.model.script import ScriptFacts

pytestmark = pytest.mark.slow

ORBITS = [
    {"dateFrom": f"{day}T00:00:00Z", "dateTo": f"{day}T23:59:59Z", "tiles": [{"date": f"{day}T10:01:02Z"}], "__idx": i}
    for i, day in enumerate(("2022-06-30", "2022-06-20", "2022-01-01"))
]
TILES = [
    {"date": f"{day}Z", "cloudCoverage": 7, "__idx": i}
    for i, day in enumerate(("2022-06-30T10:01:02", "2022-06-20T10:01:02.123456", "2022-01-01T00:30:00"))
]
AGO = {"ORBIT": ("orbits", ORBITS), "TILE": ("tiles", TILES)}


def load(engine: Engine, mosaicking: str, *functions: str) -> None:
    setup = f"function setup() {{ return {{input: ['B04'], output: {{bands: 1}}, mosaicking: '{mosaicking}'}}; }}"
    loaded = engine.load("\n".join(["//VERSION=3", setup, *functions]))
    assert isinstance(loaded, ScriptFacts), loaded


def seen(engine: Engine, expression: str, mosaicking: str) -> Any:
    """The value of an expression in evaluatePixel and, which must be the same, in updateOutputMetadata."""
    note = f"metadata.userData = {{pixel: value, end: {expression}}};"
    load(
        engine,
        mosaicking,
        f"let value; function evaluatePixel(samples, scenes) {{ value = {expression}; return [1]; }}",
        f"function updateOutputMetadata(scenes, input, metadata) {{ {note} }}",
    )
    name, scenes = AGO[mosaicking]
    samples = Samples(bands=("B04",), values=memoryview(array("d", [1, 1, 1])), samples=3, dtype="float64")
    planes = engine.evaluate(PixelBlock(pixels=1, sources=(samples,), scenes={name: scenes}))
    assert isinstance(planes, Planes), planes
    reported = engine.finish()
    assert isinstance(reported, dict)
    assert reported["pixel"] == reported["end"]
    return reported["pixel"]


BOTH = [
    pytest.param("scenes[0].date.getTime() - scenes[1].date.getTime() > 0", True, id="getTime"),
    pytest.param("scenes[0].date.getMonth()", 5, id="getMonth"),
    pytest.param("scenes[2].date.getFullYear()", 2022, id="getFullYear is that of UTC"),
    pytest.param("Math.round((scenes[0].date - scenes[1].date) / 86400000)", 10, id="subtracting"),
    pytest.param("scenes[0].date > scenes[1].date && scenes[1].date >= scenes[2].date", True, id="comparing"),
    pytest.param("scenes[0].date instanceof Date", True, id="instanceof Date"),
    pytest.param("typeof scenes[0].date.getTime", "function", id="asking whether it is a Date"),
    pytest.param("new Date(scenes[0].date).getTime() === scenes[0].date.getTime()", True, id="a Date made of it"),
    pytest.param("scenes[0].date.slice(0, 10)", "2022-06-30", id="slice"),
    pytest.param("scenes[0].date.split('T')[0]", "2022-06-30", id="split"),
    pytest.param("scenes[0].date.substring(0, 7).replace('-', '')", "202206", id="substring"),
    pytest.param("scenes[0].date.includes('2022-06')", True, id="includes"),
    pytest.param("`${scenes[0].date}`.startsWith('2022-06-30')", True, id="as text"),
    pytest.param("JSON.stringify(scenes[0].date).slice(0, 11)", '"2022-06-30', id="as JSON"),
    pytest.param("scenes.map((scene) => scene.date.toISOString().slice(5, 10))", ["06-30", "06-20", "01-01"], id="map"),
    pytest.param("scenes.findIndex((scene) => scene.idx === 1)", 1, id="the index of a scene"),
]


@pytest.mark.parametrize("mosaicking", AGO)
@pytest.mark.parametrize(("expression", "expected"), BOTH)
def test_the_date_of_a_scene_is_a_date_and_text(
    engine: Engine, expression: str, expected: object, mosaicking: str
) -> None:
    assert seen(engine, expression, mosaicking) == expected


@pytest.mark.parametrize(
    ("mosaicking", "date"),
    [
        ("ORBIT", "scenes.orbits[0].dateFrom"),
        ("ORBIT", "scenes.orbits[0].tiles[0].date"),
        ("TILE", "scenes.tiles[0].date"),
    ],
)
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("typeof DATE", "string", id="it is text"),
        pytest.param("DATE === `${DATE}`", True, id="equal to the same text"),
        pytest.param("DATE > '2022-06-29' && DATE < '2022-07'", True, id="compared with other text"),
        pytest.param("DATE.split('T')[0]", "2022-06-30", id="split"),
        pytest.param("new Date(DATE).getUTCDate()", 30, id="a Date made of it"),
        pytest.param("DATE.getTime() === new Date(DATE).getTime()", True, id="getTime"),
        pytest.param("[DATE.getMonth(), DATE.getDate()]", [5, 30], id="getMonth and getDate"),
        pytest.param("DATE.toISOString().slice(0, 10)", "2022-06-30", id="toISOString"),
        pytest.param("typeof DATE.setDate", "undefined", id="text cannot be changed"),
    ],
)
def test_a_documented_date_is_text_that_answers_like_a_date(
    engine: Engine, expression: str, expected: object, mosaicking: str, date: str
) -> None:
    assert seen(engine, expression.replace("DATE", date), mosaicking) == expected


def test_a_date_that_is_changed_is_text_of_the_changed_date(engine: Engine) -> None:
    changed = "(() => { const date = scenes[0].date; date.setDate(1); return [`${date}`, date.slice(0, 10)]; })()"
    assert seen(engine, changed, "TILE") == ["2022-06-01T10:01:02.000Z", "2022-06-01"]


@pytest.mark.parametrize(
    ("mosaicking", "keeps"),
    [
        pytest.param("ORBIT", "orbits.filter((each) => each.dateFrom.getMonth() === 5)", id="a documented date"),
        pytest.param("ORBIT", "orbits.filter((each) => each.date.getMonth() === 5)", id="the date of the older shape"),
        pytest.param("ORBIT", "orbits.filter((each) => each.date.slice(0, 7) === '2022-06')", id="the same as text"),
        pytest.param("TILE", "tiles.filter((each) => each.date.getTime() > Date.UTC(2022, 2))", id="a tile's date"),
        pytest.param("TILE", "tiles.filter((each) => each.date.split('-')[1] === '06')", id="a tile's as text"),
    ],
)
def test_pre_process_scenes_may_read_dates_either_way(engine: Engine, mosaicking: str, keeps: str) -> None:
    name, scenes = AGO[mosaicking]
    choose = f"collections.scenes.{name} = collections.scenes.{keeps}; return collections;"
    load(engine, mosaicking, f"function preProcessScenes(collections) {{ {choose} }}", "function evaluatePixel() {}")
    plan = engine.scenes({"": {"scenes": {name: scenes}}})
    assert isinstance(plan, ScenePlan), plan
    assert plan.kept == {"": (0, 1)}


@pytest.fixture
def new_york() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    os.environ.pop("TZ")
    os.environ |= {"TZ": before} if before is not None else {}
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_dates_are_those_of_utc_wherever_the_machine_is() -> None:
    with Engine(seconds=60) as engine:
        assert seen(engine, "[scenes[2].date.getDate(), new Date(2022, 0, 1).toISOString()]", "TILE") == [
            1,
            "2022-01-01T00:00:00.000Z",
        ]


FILTER = "function filterScenes(scenes, metadata) { return scenes.filter((scene) => %s); }"


@pytest.mark.parametrize("mosaicking", AGO)
@pytest.mark.parametrize(
    ("keeps", "kept"),
    [
        pytest.param("scene.date.getTime() >= metadata.to.getTime() - 20 * 86400000", (0, 1), id="the last days"),
        pytest.param("scene.date < metadata.from", (), id="none"),
        pytest.param("scene.date.getMonth() === 0", (2,), id="a month"),
    ],
)
def test_filter_scenes_chooses_when_it_is_called(
    engine: Engine, keeps: str, kept: tuple[int, ...], mosaicking: str
) -> None:
    name, scenes = AGO[mosaicking]
    load(engine, mosaicking, FILTER % keeps, "function evaluatePixel() {}")
    collections = {"": {"scenes": {name: scenes}}}
    plan = engine.scenes(collections, ("2022-01-01T00:00:00Z", "2022-06-30T23:59:59Z"))
    assert isinstance(plan, ScenePlan) and plan.kept == {"": kept}
    plan = engine.scenes(collections)
    assert isinstance(plan, ScenePlan) and plan.kept == {"": (0, 1, 2)}


def test_filter_scenes_that_makes_scenes_is_refused(engine: Engine) -> None:
    load(engine, "ORBIT", "function filterScenes() { return [{idx: 9}]; }", "function evaluatePixel() {}")
    answer = engine.scenes({"": {"scenes": {"orbits": ORBITS}}}, ("2022-01-01T00:00:00Z", "2022-06-30T23:59:59Z"))
    assert not isinstance(answer, ScenePlan)
    assert answer.message == "filterScenes must return those of its scenes to keep"


def test_a_text_answers_every_question_of_a_date(engine: Engine) -> None:
    own = "Object.getOwnPropertyNames(Date.prototype)"
    asked = "/^(get.*|to(Date|Time|ISO|UTC|LocaleDate|LocaleTime)String)$/"
    lacking = f"{own}.filter((name) => {asked}.test(name) && typeof ''[name] !== 'function')"
    assert seen(engine, f"[{own}.length > 40, {lacking}]", "ORBIT") == [True, []]
