"""The functions, constants and visualizers every evalscript finds ready; the numbers are those of the reference."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from controller.evalscript.blocks import PixelBlock, Planes, Samples
from controller.evalscript.engine import Engine
from controller.model.script import ScriptFacts

pytestmark = pytest.mark.slow

Evaluate = Callable[[str], object]

BEGIN = "//VERSION=3\nfunction setup() { return {input: ['B04'], output: {bands: 1}}; }\n"
ONE_PIXEL = PixelBlock(pixels=1, sources=(Samples(bands=("B04",), values=bytes(4)),))


@pytest.fixture(scope="module")
def value_of() -> Iterator[Evaluate]:
    with values_in(Engine(seconds=20)) as evaluate:
        yield evaluate


@pytest.fixture(scope="module")
def older_value_of() -> Iterator[Evaluate]:
    with values_in(Engine(seconds=20, older_ramps=True)) as evaluate:
        yield evaluate


@contextmanager
def values_in(engine: Engine) -> Iterator[Evaluate]:
    """The JSON value of a JavaScript expression as an evalscript sees it."""
    with engine:

        def evaluate(expression: str) -> object:
            assigned = f"metadata.userData = {{value: {expression}}};"
            body = f"function evaluatePixel(samples, scenes, input, custom, metadata) {{ {assigned} }}"
            loaded = engine.load(BEGIN + body)
            assert isinstance(loaded, ScriptFacts), loaded
            planes = engine.evaluate(ONE_PIXEL)
            assert isinstance(planes, Planes), planes
            reported = engine.finish()
            assert isinstance(reported, dict)
            return reported.get("value")

        yield evaluate


LIMITS = "[-10, -5, 0, 5, 10], [-1000, -50, 0, 50, 1000]"
CLASSES = "[1, 3, 5, 7, 10], [100, 300, 500, 700, 900]"
COLOURS = "[0, 0.2, 0.4], [[0, 0, 0], [0.1, 0.2, 0.5], [0.25, 0.4, 0.5]]"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("index(0.6, 0.4)", 0.2, id="index is the normalised difference"),
        pytest.param("index(0.5, -0.5)", 0, id="index of a zero sum is zero"),
        pytest.param("inverse(2)", 0.5, id="inverse"),
        pytest.param("inverse(0)", 1.7976931348623157e308, id="inverse of zero is the largest double"),
        pytest.param("JAVA_DOUBLE_MAX_VAL", 1.7976931348623157e308, id="the largest double has a name"),
        pytest.param("int2rgb(255)", [0, 0, 255], id="int2rgb: blue"),
        pytest.param("int2rgb(256)", [0, 1, 0], id="int2rgb: one step of green"),
        pytest.param("int2rgb(65537)", [1, 0, 1], id="int2rgb: red and blue"),
        pytest.param("rgb2int([1, 0, 1])", 65537, id="rgb2int is its inverse"),
        pytest.param("normalizeRGB([255, 0, 51])", [1, 0, 0.2], id="normalizeRGB"),
        pytest.param("combine([100, 0, 0], [0, 100, 0], 1)", [100, 0, 0], id="combine: only the first"),
        pytest.param("combine([100, 0, 0], [0, 100, 0], 0)", [0, 100, 0], id="combine: only the second"),
        pytest.param("combine([100, 0, 0], [0, 100, 0], 0.5)", [50, 50, 0], id="combine: half of each"),
        pytest.param(f"valueMap(5, {CLASSES})", 500, id="valueMap: a limit belongs to its class"),
        pytest.param(f"valueMap(1, {CLASSES})", 100, id="valueMap: the first limit"),
        pytest.param(f"valueMap(2, {CLASSES})", 300, id="valueMap: between limits"),
        pytest.param(f"valueMap(12, {CLASSES})", 900, id="valueMap: beyond the last"),
        pytest.param("valueMap(50)", 50, id="valueMap without tables gives the value"),
        pytest.param(f"colorMap(1, {CLASSES})", 300, id="colorMap: a limit belongs to the next class"),
        pytest.param(f"colorMap(12, {CLASSES})", 900, id="colorMap: beyond the last"),
        pytest.param("colorMap(50)", 50, id="colorMap without tables gives the value"),
        pytest.param(f"valueInterpolate(0, {LIMITS})", 0, id="valueInterpolate: at a limit"),
        pytest.param(f"valueInterpolate(-10, {LIMITS})", -1000, id="valueInterpolate: at the first limit"),
        pytest.param(f"valueInterpolate(-99, {LIMITS})", -1000, id="valueInterpolate: clamped below"),
        pytest.param(f"valueInterpolate(99, {LIMITS})", 1000, id="valueInterpolate: clamped above"),
        pytest.param(f"valueInterpolate(9, {LIMITS})", 810, id="valueInterpolate: between limits"),
        pytest.param(f"valueInterpolate(0.1, {COLOURS})", [0.05, 0.1, 0.25], id="valueInterpolate: colours"),
        pytest.param("valueInterpolate(7)", 7, id="valueInterpolate without tables gives the value"),
        pytest.param(f"colorBlend(0.1, {COLOURS})", [0.05, 0.1, 0.25], id="colorBlend does the same"),
    ],
)
def test_function(value_of: Evaluate, expression: str, expected: float | list[float]) -> None:
    assert value_of(expression) == pytest.approx(expected)


FALLING = "[10, 5, 0], [[1, 1, 1], [0.5, 0, 0], [0, 0, 0]]"


@pytest.mark.parametrize("function", ["valueMap", "colorMap", "valueInterpolate", "colorBlend"])
@pytest.mark.parametrize("value", ["-11", "-10", "-7.5", "0", "4", "5", "9", "10", "NaN", "Infinity", "-Infinity"])
def test_a_table_listed_from_high_to_low_gives_the_same_values(value_of: Evaluate, function: str, value: str) -> None:
    falling = f"{function}({value}, [10, 5, 0, -5, -10], [1000, 50, 0, -50, -1000])"
    assert value_of(falling) == value_of(f"{function}({value}, {LIMITS})") is not None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param(f"colorBlend(2.5, {FALLING})", [0.25, 0, 0], id="between the lower colours"),
        pytest.param(f"colorBlend(12, {FALLING})", [1, 1, 1], id="above: the first listed"),
        pytest.param(f"colorBlend(-1, {FALLING})", [0, 0, 0], id="below: the last listed"),
        pytest.param("colorBlend(3, [1], [[0.5, 0, 1]])", [0.5, 0, 1], id="one colour above its limit"),
        pytest.param("valueInterpolate(0, [1], [7])", 7, id="one value below its limit"),
        pytest.param("valueMap(3, [1], [7])", 7, id="one class"),
        pytest.param("valueInterpolate(5, [0, 5, 5, 10], [0, 1, 2, 3])", 1, id="a step belongs to the lower value"),
        pytest.param("index(NaN, 1) === index(NaN, 1)", False, id="index of what is not a number is none"),
        pytest.param("int2rgb(0xFFFFFF)", [255, 255, 255], id="int2rgb: white"),
        pytest.param("rgb2int(int2rgb(0x12AB9F))", 0x12AB9F, id="there and back"),
        pytest.param("inverse(-0)", 1.7976931348623157e308, id="inverse of minus zero"),
    ],
)
def test_function_at_its_edges(value_of: Evaluate, expression: str, expected: float | list[float]) -> None:
    assert value_of(expression) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("Object.keys(SampleType).join()", "INT8,UINT8,INT16,UINT16,FLOAT32,AUTO", id="sample types"),
        pytest.param("[Mosaicking.SIMPLE, Mosaicking.ORBIT, Mosaicking.TILE].join()", "SIMPLE,ORBIT,TILE", id="modes"),
        pytest.param("typeof console.log('x')", "undefined", id="a silent console"),
        pytest.param("typeof setTimeout + typeof clearTimeout", "undefinedundefined", id="no timers"),
        pytest.param("typeof require + typeof fetch + typeof process", "undefined" * 3, id="no files, no network"),
    ],
)
def test_the_world_of_a_script_has(value_of: Evaluate, expression: str, expected: str) -> None:
    assert value_of(expression) == expected


def test_a_colour_can_be_changed_without_changing_its_table(value_of: Evaluate) -> None:
    change = "colorBlend(0, [0, 1], table)[0] = 9; colorBlend(9, [0, 1], table)[1] = 9"
    assert value_of(f"(() => {{ const table = [[0, 0], [1, 1]]; {change}; return table; }})()") == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(
            "decodeL8C2Qa(55052)",
            {
                "fill": 0,
                "dilatedCloud": 0,
                "cirrus": 1,
                "cloud": 1,
                "cloudShadow": 0,
                "snow": 0,
                "clear": 0,
                "water": 0,
                "cloudConfidence": 3,
                "cloudShadowConfidence": 1,
                "snowIceConfidence": 1,
                "cirrusConfidence": 3,
            },
            id="Landsat 8 collection 2",
        ),
        pytest.param(
            "decodeLs8Qa(0b1001011010111)",
            {
                "designatedFill": 1,
                "terrainOcclusion": 1,
                "radiometricSaturation": 1,
                "cloud": 1,
                "cloudConfidence": 2,
                "cloudShadowConfidence": 1,
                "snowIceConfidence": 1,
                "cirrusConfidence": 2,
            },
            id="Landsat 8 collection 1",
        ),
    ],
)
def test_quality_bits_of(value_of: Evaluate, call: str, expected: dict[str, int]) -> None:
    assert value_of(call) == expected


@pytest.mark.parametrize(
    ("bit", "flag"),
    [
        pytest.param(31, "land", id="the highest bit is land"),
        pytest.param(30, "coastline", id="then coastline"),
        pytest.param(25, "invalid", id="invalid is bit 25"),
        pytest.param(21, "dubious", id="dubious is bit 21"),
        pytest.param(20, "saturatedB01", id="saturation begins with B01 at bit 20"),
        pytest.param(0, "saturatedB21", id="and ends with B21 at bit 0"),
    ],
)
def test_olci_flags(value_of: Evaluate, bit: int, flag: str) -> None:
    flags = value_of(f"decodeS3OLCIQualityFlags({1 << bit})")
    assert isinstance(flags, dict)
    assert len(flags) == 32
    assert [name for name, is_set in flags.items() if is_set] == [flag]


RED, GREEN_BLUE_MIX, BLUE = (255, 0, 0), (128, 0, 128), (0, 0, 255)
USER = "[[200, 0xFF0000], [300, 0x0000FF]]"
GRADIENT = "ColorGradientVisualizer.create"
RAMP = "ColorRampVisualizer.create"


def colour(value_of: Evaluate, visualizer: str, value: object) -> tuple[int, ...]:
    """The colour in whole 255ths; fails when the visualizer answered between them."""
    channels = value_of(f"{visualizer}.process({value})")
    assert isinstance(channels, list)
    whole = tuple(round(channel * 255) for channel in channels)
    assert channels == pytest.approx([channel / 255 for channel in whole])
    return whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [(199, RED), (200, RED), (250, RED), (299, RED), (300, BLUE), pytest.param("NaN", BLUE, id="not a number")],
)
def test_a_colour_map_is_discrete(value_of: Evaluate, value: object, expected: tuple[int, ...]) -> None:
    assert colour(value_of, f"(new ColorMapVisualizer({USER}))", value) == expected


USER_FALLING = "[[300, 0x0000FF], [200, 0xFF0000]]"
TERRAIN = "[[9000, 0xFFFFFF], [500, 0x8B6D00], [0, 0xC7C7C7], [-10, 0x9F9FFF], [-12000, 0x000028]]"


@pytest.mark.parametrize("kind", ["ColorMapVisualizer", "ColorRampVisualizer"])
@pytest.mark.parametrize("value", [199, 200, 201, 250, 299, 300, 301, "NaN", "-Infinity", "Infinity"])
def test_pairs_listed_from_high_to_low_give_the_same_colours(value_of: Evaluate, kind: str, value: object) -> None:
    assert colour(value_of, f"(new {kind}({USER_FALLING}))", value) == colour(value_of, f"(new {kind}({USER}))", value)


@pytest.mark.parametrize(
    ("visualizer", "value", "expected"),
    [
        pytest.param(f"new ColorRampVisualizer({TERRAIN})", 250, (0xA9, 0x9A, 0x64), id="terrain: between its stops"),
        pytest.param(f"new ColorRampVisualizer({TERRAIN})", 9999, (255, 255, 255), id="terrain: above its stops"),
        pytest.param(f"new ColorRampVisualizer({TERRAIN})", -20000, (0, 0, 0x28), id="terrain: below its stops"),
        pytest.param(f"new ColorRampVisualizer({TERRAIN}, -12000, 9000)", 0, (0xC7, 0xC7, 0xC7), id="its own range"),
        pytest.param(f"new ColorRampVisualizer({USER_FALLING}, 0, 10)", 5, (128, 0, 128), id="another range"),
        pytest.param(f"new ColorRampVisualizer({USER_FALLING}, 0, 10)", 0, RED, id="another range: its lower end"),
        pytest.param(f"new ColorRampVisualizer({USER}, 10, 0)", 0, BLUE, id="a range turned round"),
        pytest.param(f"new ColorRampVisualizer({USER_FALLING}).inverse()", 200, BLUE, id="inverted"),
        pytest.param("new ColorRampVisualizer([[0, 0], [2, 0xFF], [1, 0xFF00]])", 1, (0, 255, 0), id="in no order"),
        pytest.param("new ColorRampVisualizer([[5, 0xFF0000]])", 4, RED, id="one colour: below"),
        pytest.param("new ColorRampVisualizer([[5, 0xFF0000]], 0, 1)", 9, RED, id="one colour in another range"),
        pytest.param(
            "new ColorRampVisualizer([[3, 255], [2, 0xFF0000], [2, 0xFF00], [1, 0]])", 2.0001, RED, id="a step"
        ),
        pytest.param("new ColorMapVisualizer([[5, 0xFF0000]])", 4, RED, id="a map of one colour"),
        pytest.param("new ColorGradientVisualizer([[1, 0xFF], [0, 0xFF0000]])", 0, BLUE, id="a gradient"),
        pytest.param("new ColorGradientVisualizer([[0, 0xFF0000], [1, 0xFF]])", 0, BLUE, id="the same, ascending"),
        pytest.param("new ColorGradientVisualizer([[0, 0xFF0000], [1, 0xFF]])", 1, RED, id="and its other end"),
        pytest.param(f"{GRADIENT}WhiteGreen(1, 0)", 0.6, (0, 102, 0), id="a gradient turned round"),
    ],
)
def test_the_order_of_pairs_does_not_matter(
    value_of: Evaluate, visualizer: str, value: object, expected: tuple[int, ...]
) -> None:
    assert colour(value_of, f"({visualizer})", value) == expected


@pytest.mark.parametrize(
    "visualizer",
    [f"new ColorMapVisualizer({USER})", f"new ColorRampVisualizer({USER})", f"{GRADIENT}BlueRed(200, 300)"],
)
@pytest.mark.parametrize("value", [100, 220, 300])
def test_a_colour_is_also_had_by_its_other_name(value_of: Evaluate, visualizer: str, value: float) -> None:
    assert value_of(f"({visualizer}).getColorFromValue({value})") == value_of(f"({visualizer}).process({value})")


DEFAULT_MAP = (
    "-2 000000, -0.5 000000, -0.2 FF0000, -0.15 FF0000, -0.1 9A0000, 0 660000, 0.1 FFFF33, 0.2 CCCC33, 0.3 666600, "
    "0.4 33FFFF, 0.5 33CCCC, 0.6 006666, 0.7 33FF33, 0.85 33CC33, 0.9 006600, 5 006600"
)


@pytest.mark.parametrize(("value", "expected"), [pair.split() for pair in DEFAULT_MAP.split(", ")])
def test_the_default_colour_map(value_of: Evaluate, value: str, expected: str) -> None:
    assert colour(value_of, "ColorMapVisualizer.createDefaultColorMap()", value) == tuple(bytes.fromhex(expected))


FACTORIES = [
    ("WhiteGreen", 0, (0, 0, 0)),
    ("WhiteGreen", 0.3, (0, 76, 0)),
    ("WhiteGreen", 0.5, (43, 128, 0)),
    ("WhiteGreen", 0.8, (170, 204, 85)),
    ("WhiteGreen", 1, (255, 255, 255)),
    ("WhiteGreen", -0.2, (0, 0, 0)),
    ("WhiteGreen", 0.4, (0, 102, 0)),
    ("WhiteGreen", 0.7, (128, 179, 0)),
    ("RedTemperature", 0, (0, 0, 0)),
    ("RedTemperature", 0.3, (110, 0, 0)),
    ("RedTemperature", 0.5, (183, 12, 0)),
    ("RedTemperature", 0.8, (255, 158, 51)),
    ("RedTemperature", 1, (255, 255, 255)),
    ("BlueRed", 0, (0, 0, 128)),
    ("BlueRed", 0.3, (0, 179, 255)),
    ("BlueRed", 0.5, (128, 255, 128)),
    ("BlueRed", 0.8, (255, 76, 0)),
    ("BlueRed", 1, (128, 0, 0)),
    ("BlueRed", "NaN", (128, 0, 0)),
]


@pytest.mark.parametrize("kind", [GRADIENT, RAMP])
@pytest.mark.parametrize(("factory", "value", "expected"), FACTORIES)
def test_gradients_and_ramps_agree_on_the_built_in_tables(
    value_of: Evaluate, kind: str, factory: str, value: object, expected: tuple[int, ...]
) -> None:
    assert colour(value_of, f"{kind}{factory}()", value) == expected


@pytest.mark.parametrize("kind", [GRADIENT, RAMP])
@pytest.mark.parametrize(("value", "expected"), [(-0.5, (0, 64, 0)), (0, (43, 128, 0)), (0.5, (149, 192, 43))])
def test_built_in_tables_stretch_to_a_range(
    value_of: Evaluate, kind: str, value: float, expected: tuple[int, ...]
) -> None:
    assert colour(value_of, f"{kind}WhiteGreen(-1, 1)", value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(199, RED), (200, RED), (250, GREEN_BLUE_MIX), (299, (3, 0, 252)), (300, BLUE), (301, BLUE)]
)
def test_a_ramp_of_ones_own(value_of: Evaluate, value: float, expected: tuple[int, ...]) -> None:
    assert colour(value_of, f"(new ColorRampVisualizer({USER}))", value) == expected


@pytest.mark.parametrize(
    ("ramp", "value", "expected"),
    [
        (f"new ColorRampVisualizer({USER})", 250, (127, 0, 127)),
        (f"new ColorRampVisualizer({USER})", 299, (2, 0, 252)),
        (f"new ColorRampVisualizer({USER})", 300, BLUE),
        (f"{RAMP}WhiteGreen()", 0.3, (0, 0x66, 0)),
        (f"{RAMP}WhiteGreen()", 0.6, (0x80, 0xB3, 0)),
        (f"{RAMP}RedTemperature()", 0.25, (0xAE, 0, 0)),
        (f"{RAMP}RedTemperature()", 0.525, (0xFF, 0x86, 0)),
        (f"{RAMP}BlueRed()", 0.375, (0, 0xFF, 0xFF)),
        (f"{GRADIENT}WhiteGreen()", 0.3, (0, 76, 0)),
    ],
)
def test_the_older_ramps_round_down_and_have_other_stops_while_gradients_stay(
    older_value_of: Evaluate, ramp: str, value: float, expected: tuple[int, ...]
) -> None:
    assert colour(older_value_of, f"({ramp})", value) == expected


@pytest.mark.parametrize(
    ("ramp", "value", "expected"),
    [
        pytest.param(f"new ColorRampVisualizer({USER}, 0, 10)", 5, GREEN_BLUE_MIX, id="rescaled to 0..10"),
        pytest.param(f"new ColorRampVisualizer({USER}).inverse()", 200, BLUE, id="inverted: the last colour first"),
        pytest.param(f"new ColorRampVisualizer({USER}).inverse()", 300, RED, id="inverted: the first colour last"),
        pytest.param("new ColorRampVisualizer([[0, [1, 0, 0]], [1, [0, 0, 1]]])", 0.5, (128, 0, 128), id="normalised"),
        pytest.param("ColorRampVisualizer.createOceanColor()", -1, (147, 0, 108), id="ocean colour: the first"),
        pytest.param("ColorRampVisualizer.createOceanColor()", 0.2, (0, 10, 255), id="ocean colour: at a stop"),
        pytest.param("ColorRampVisualizer.createOceanColor(0, 10)", 9.49, (165, 0, 0), id="ocean colour: stretched"),
        pytest.param("ColorRampVisualizer.createOceanColor()", 1, (105, 0, 0), id="ocean colour: the last"),
    ],
)
def test_a_ramp_that_is(value_of: Evaluate, ramp: str, value: float, expected: tuple[int, ...]) -> None:
    assert colour(value_of, f"({ramp})", value) == expected


@pytest.mark.parametrize(
    ("table", "pairs"),
    [
        ("blueRed", "1 000080, 0.875 0000FF, 0.625 00FFFF, 0.375 FFFF00, 0.125 FF0000, 0 800000"),
        ("redTemperature", "1 000000, 0.525 AE0000, 0.3 FF6E00, 0.25 FF8600, 0 FFFFFF"),
        ("greenWhite", "1 000000, 0.6 006600, 0.3 80B300, 0 FFFFFF"),
    ],
)
def test_constant_table(value_of: Evaluate, table: str, pairs: str) -> None:
    expected = [[float(position), int(colour, 16)] for position, colour in (pair.split() for pair in pairs.split(", "))]
    assert value_of(table) == expected


OCEAN = (
    "0 147,0,108; .0471 111,0,144; .0980 72,0,183; .1490 33,0,222; .2000 0,10,255; .2471 0,74,255; .2980 0,144,255; "
    ".3490 0,213,255; .4000 0,255,215; .4471 0,255,119; .4980 0,255,15; .5490 96,255,0; .6000 200,255,0; "
    ".6471 255,235,0; .6980 255,183,0; .7490 255,131,0; .8000 255,79,0; .8471 255,31,0; .8980 230,0,0; "
    ".9490 165,0,0; 1 105,0,0"
)


def test_the_ocean_colours_are_normalised(value_of: Evaluate) -> None:
    table = value_of("oceanColor")
    assert isinstance(table, list)
    shown = [(position, ",".join(str(round(channel * 255)) for channel in channels)) for position, channels in table]
    assert shown == [(float(pair.split()[0]), pair.split()[1]) for pair in OCEAN.split("; ")]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("new HighlightCompressVisualizer(0.1, 0.4).process(0)", 0, id="below the range"),
        pytest.param("new HighlightCompressVisualizer(0.1, 0.4).process(0.1)", 0, id="at the minimum"),
        pytest.param("new HighlightCompressVisualizer(0.1, 0.4).process(0.25)", 0.5, id="in the middle"),
        pytest.param("new HighlightCompressVisualizer(0.1, 0.4).process(0.376)", 0.92, id="where compression begins"),
        pytest.param("new HighlightCompressVisualizer(0.1, 0.4).process(0.4)", 0.925926, id="at the maximum"),
        pytest.param("new HighlightCompressVisualizer(0.1, 0.4).process(0.7)", 1, id="twice the range"),
        pytest.param("new HighlightCompressVisualizer(0.1, 0.4).process(1.1)", 1, id="far above"),
        pytest.param("new HighlightCompressVisualizer().process(0.97)", 0.97, id="no compression up to 1"),
        pytest.param("new HighlightCompressVisualizer(0, 1, 2, 0.1).process(0.2)", 0.5, id="gain and offset"),
        pytest.param("new HighlightCompressVisualizer(0, 1, 1, 0, 2).process(0.5)", 0.25, id="gamma"),
        pytest.param("new HighlightCompressVisualizerSingle(0.1, 0.4).process(0.25)", [0.5], id="in an array"),
        pytest.param("new DefaultVisualizer(0.1, 0.4).process(0.4)", 1, id="without the highlight step"),
        pytest.param("new DefaultVisualizer(0, 1, 2, 0, 2).process(1)", 4, id="with gamma not clamped"),
        pytest.param("new Identity().process(0.3)", [0.3], id="identity of a number"),
        pytest.param("new Identity().process([0.3, 7])", [0.3, 7], id="identity of an array"),
        pytest.param("new DefaultVisualizer().processList([0.5, 2])", [0.5, 1], id="a list of values"),
    ],
)
def test_stretching(value_of: Evaluate, expression: str, expected: float | list[float]) -> None:
    assert value_of(expression) == pytest.approx(expected, abs=1e-6)
