"""The price of a request: every vector of the reference page, and what the estimate does where nobody knows."""

from dataclasses import dataclass
from typing import Any

import pytest

from controller.analysis.cost import Prices, SampleCount, estimate_cost, price_for, price_table, samples_per_pixel
from controller.manifest.validate import Script, ValidManifest
from controller.model.job import Estimate
from controller.model.script import Mosaicking, SampleType, ScriptFacts, ScriptInput, ScriptOutput
from tests.analysis.test_compatibility import TIME_FILTER, TIMES
from tests.support.manifests import accepted, good_but, judged
from tests.support.scripts import appraised

CDSE = price_table("cdse")
PLANET = price_table("planet")
CLASSIC = Prices(
    dated="2023", source="reference page", minimum=10, discount=1, discount_upper=1, discount_from_pixels=10_000
)
ORTHO = {"orthorectify": True}
TERRAIN = {"backCoeff": "GAMMA0_TERRAIN", "orthorectify": True}
LEE = {"orthorectify": True, "speckleFilter": {"type": "LEE", "windowSizeX": 5, "windowSizeY": 5}}
ONCE = SampleCount(expected=1, upper=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of reference page "Processing units" §3: what is asked for, and the two prices it publishes."""

    width: int
    height: int
    bands: tuple[int, ...] = (3,)
    bits: int = 16
    samples: int = 1
    processing: dict[str, Any] | None = None
    with_mask: bool = False
    radar: float = 1
    fusion: float = 1
    discounted: float
    classic: float

    @property
    def exact(self) -> float:
        """The base price, straight from the formula of §1, with the factors that the line names."""
        area = max(self.width * self.height / 262_144, 0.01)
        return area * sum(self.bands) / 3 * (self.bits / 16) * self.samples * self.radar * self.fusion

    @property
    def discount(self) -> float:
        return 2 / 3 if self.width * self.height >= 10_000 else 1


VECTORS = {
    "1 minimum tile": Row(width=512, height=512, discounted=10, classic=10),
    "2 99x101 px, below 10,000 px": Row(width=99, height=101, discounted=10, classic=10),
    "3 100x100 px, exactly 10,000 px": Row(width=100, height=100, discounted=10, classic=10),
    "4 20x20 px NDVI": Row(width=20, height=20, bands=(2,), discounted=10, classic=10),
    "5 2048x2048 RGB": Row(width=2048, height=2048, discounted=10.6667, classic=16),
    "6 async example 1": Row(width=3600, height=3400, bands=(2,), discounted=20.752, classic=31.1279),
    "7 async example 3": Row(width=10_000, height=10_000, discounted=254.3132, classic=381.4697),
    "8 async example 2, 31 samples": Row(
        width=5000, height=5000, bands=(4,), samples=31, discounted=2627.9026, classic=3941.8538
    ),
    "9 async example 4, 365 samples": Row(
        width=5000, height=5000, bands=(6,), samples=365, discounted=46412.1501, classic=69618.2251
    ),
    "10 one band, 8 bit": Row(width=10_000, height=10_000, bands=(1,), discounted=84.7711, classic=127.1566),
    "11 one band, FLOAT32 TIFF": Row(
        width=10_000, height=10_000, bands=(1,), bits=32, discounted=169.5421, classic=254.3132
    ),
    "12 13 bands, UINT16": Row(width=10_000, height=10_000, bands=(13,), discounted=1102.0237, classic=1653.0355),
    "13 13 bands, FLOAT32": Row(
        width=10_000, height=10_000, bands=(13,), bits=32, discounted=2204.0473, classic=3306.071
    ),
    "14 S1 change detection": Row(
        width=1024,
        height=1024,
        bands=(4,),
        bits=32,
        samples=2,
        processing=ORTHO,
        radar=2,
        discounted=28.4444,
        classic=42.6667,
    ),
    "15 S1 VV, terrain correction": Row(
        width=4096,
        height=4096,
        bands=(1,),
        bits=32,
        processing=TERRAIN,
        radar=2.5,
        discounted=71.1111,
        classic=106.6667,
    ),
    "16 S1 VV+VH, ortho and Lee": Row(
        width=4096, height=4096, bands=(2,), bits=32, processing=LEE, radar=4, discounted=227.5556, classic=341.3333
    ),
    "17 S1 VV+VH, ortho": Row(
        width=2000, height=2000, bands=(2,), processing=ORTHO, radar=2, discounted=13.5634, classic=20.3451
    ),
    "18 fusion of two": Row(width=3000, height=3000, bands=(2, 2), fusion=2, discounted=61.0352, classic=91.5527),
    "20 dataMask is free": Row(width=3000, height=3000, with_mask=True, discounted=22.8882, classic=34.3323),
    "21 dataMask alone": Row(width=6000, height=6000, bands=(1,), with_mask=True, discounted=30.5176, classic=45.7764),
    "22 a strip": Row(width=10_000, height=1, discounted=10, classic=10),
    "23 break-even for the minimum": Row(width=1982, height=1984, discounted=10.0003, classic=15.0005),
    "24 500 samples": Row(
        width=2000,
        height=2000,
        bands=(2,),
        samples=500,
        processing=ORTHO,
        radar=2,
        discounted=6781.684,
        classic=10172.526,
    ),
    "25 631x1047": Row(width=631, height=1047, discounted=10, classic=10),
    "26 631x1047, two samples": Row(width=631, height=1047, samples=2, discounted=10, classic=10),
}
REMOTE = Row(width=3000, height=3000, bands=(5,), fusion=4, discounted=152.5879, classic=228.8818)


def body(inputs: int = 1, processing: dict[str, Any] | None = None, responses: Any = None) -> dict[str, Any]:
    data = [{"type": "sentinel-2-l2a", **({"processing": processing} if processing else {})} for _ in range(inputs)]
    written = [{"identifier": "default", "format": {"type": "image/tiff"}}] if responses is None else responses
    return {"input": {"data": data}, "output": {"responses": written}}


def facts(*bands: tuple[str, ...], outputs: tuple[ScriptOutput, ...] | None = None) -> ScriptFacts:
    inputs = tuple(ScriptInput(bands=names) for names in bands or (("B04", "B03", "B02"),))
    plain = (ScriptOutput(id="default", bands=1, sample_type=SampleType.UINT16),)
    return ScriptFacts(
        inputs=inputs, outputs=outputs or plain, mosaicking=Mosaicking.SIMPLE, functions=frozenset({"evaluatePixel"})
    )


def names(count: int, with_mask: bool) -> tuple[str, ...]:
    """So many counted bands; one that is the mask alone when a mask is asked for."""
    if with_mask and count == 1:
        return ("dataMask",)
    return (*(f"B{n:02}" for n in range(count)), *(("dataMask",) if with_mask else ()))


def both(estimate: Estimate) -> tuple[float, float | None]:
    return estimate.expected, estimate.upper


def quoted(row: Row, prices: Prices) -> Estimate:
    sample_type = SampleType.FLOAT32 if row.bits == 32 else SampleType.UINT16
    output = ScriptOutput(id="default", bands=1, sample_type=sample_type)
    script = facts(*(names(count, row.with_mask) for count in row.bands), outputs=(output,))
    samples = [SampleCount(expected=row.samples, upper=row.samples)] * len(row.bands)
    return estimate_cost(body(len(row.bands), row.processing), (row.width, row.height), script, samples, prices)


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in VECTORS.items()])
def test_the_published_vectors(row: Row) -> None:
    discounted, classic = max(10, row.exact * row.discount), max(10, row.exact)
    assert both(quoted(row, CDSE)) == pytest.approx((discounted, discounted), rel=1e-6)
    assert both(quoted(row, CLASSIC)) == pytest.approx((classic, classic), rel=1e-6)
    assert (discounted, classic) == pytest.approx((row.discounted, row.classic), abs=5.1e-5)


def test_vector_19_with_a_remote_collection() -> None:
    """Requests of this API cannot fuse remote collections, so only its terms are priced."""
    size = (REMOTE.width, REMOTE.height)
    prices = (
        price_for(REMOTE.exact, size, CDSE, CDSE.discount),
        price_for(REMOTE.exact, size, CLASSIC, CLASSIC.discount),
    )
    assert prices == pytest.approx((REMOTE.discounted, REMOTE.classic), abs=5.1e-5)
    assert prices == pytest.approx((REMOTE.exact * 2 / 3, REMOTE.exact), rel=1e-6)


PROCESS = CLASSIC.model_copy(update={"minimum": 0.005})  # the other way to ask for a raster has a minimum of its own


@pytest.mark.parametrize(
    ("area", "exact", "published"),
    [
        pytest.param((500, 500), 500 * 500 / 262_144 * 4 / 3, 1.27, id="500x500"),
        pytest.param((2000, 2000), 2000 * 2000 / 262_144 * 4 / 3, 20.34, id="2000x2000"),
        pytest.param((5000, 5000), 5000 * 5000 / 262_144 * 4 / 3, 127.15, id="5000x5000"),
        pytest.param((400_000, 400_000), 400_000**2 / 262_144 * 4 / 3, 813_802, id="400000x400000"),
    ],
)
def test_the_examples_of_the_questions_page(area: tuple[int, int], exact: float, published: float) -> None:
    """Two radar bands, orthorectified; the page cuts its figures off."""
    estimate = estimate_cost(body(processing=ORTHO), area, facts(("VV", "VH")), [ONCE], PROCESS)
    assert estimate.expected == pytest.approx(exact, rel=1e-6)
    assert 0 <= estimate.expected - published < 10 ** -(2 if published < 1000 else 0)


@pytest.mark.parametrize(
    ("samples", "header"),
    [pytest.param(1, 2.5202064514160156, id="one sample"), pytest.param(2, 5.040412902832031, id="two samples")],
)
def test_prices_that_the_service_itself_has_told(samples: int, header: float) -> None:
    """Three bands and dataMask on 631 x 1047 pixels: the header `x-processingunits-spent`, digit by digit."""
    count = [SampleCount(expected=samples, upper=samples)]
    estimate = estimate_cost(body(), (631, 1047), facts(("B04", "B03", "B02", "dataMask")), count, PROCESS)
    assert estimate.expected == pytest.approx(header, rel=1e-15)


@pytest.mark.parametrize(
    ("bands", "metres", "processing", "published"),
    [
        pytest.param(("B04", "B03", "B02"), 10, None, 26.2, id="true colour at 10 m"),
        pytest.param(("B04", "B08"), 10, None, 39.3, id="an index at 10 m"),
        pytest.param(tuple(f"B{number:02}" for number in range(13)), 10, None, 6.0, id="13 bands at 10 m"),
        pytest.param(("VV",), 20, ORTHO, 157.3, id="one radar band, orthorectified, at 20 m"),
    ],
)
def test_square_kilometres_of_one_unit(
    bands: tuple[str, ...], metres: int, processing: dict[str, Any] | None, published: float
) -> None:
    side = 10_000
    estimate = estimate_cost(body(processing=processing), (side, side), facts(bands), [ONCE], PROCESS)
    radar = 2 if processing else 1
    each = (side * metres / 1000) ** 2 / estimate.expected
    assert each == pytest.approx(262_144 * metres**2 / 1e6 / (len(bands) / 3 * radar), rel=1e-6)
    assert each == pytest.approx(published, abs=0.0505)


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        pytest.param((1982, 1983), 10.0, id="just below the break-even"),
        pytest.param((1983, 1983), 1983 * 1983 / 262_144 * 2 / 3, id="just above the break-even"),
        pytest.param((20, 20), 10.0, id="the smallest example of the documentation"),
    ],
)
def test_where_the_minimum_stops_to_matter(area: tuple[int, int], expected: float) -> None:
    assert estimate_cost(body(), area, facts(), [ONCE], CDSE).expected == pytest.approx(expected, rel=1e-6)


def test_planet_may_give_no_discount_so_the_upper_end_has_none() -> None:
    row = VECTORS["7 async example 3"]
    assert both(quoted(row, PLANET)) == pytest.approx((row.exact * 2 / 3, row.exact), rel=1e-6)


@pytest.mark.parametrize(
    ("mosaicking", "days", "scenes", "expected"),
    [
        pytest.param(Mosaicking.SIMPLE, 365, 120, SampleCount(expected=1, upper=1), id="SIMPLE: one, however long"),
        pytest.param(Mosaicking.ORBIT, 1, 0.3, SampleCount(expected=1, upper=1), id="ORBIT: a single day has one"),
        pytest.param(Mosaicking.ORBIT, 30, 9.2, SampleCount(expected=9.2, upper=30), id="ORBIT: a month"),
        pytest.param(Mosaicking.ORBIT, 30, 40, SampleCount(expected=30, upper=30), id="ORBIT: at most one a day"),
        pytest.param(Mosaicking.TILE, 31, 40, SampleCount(expected=40, upper=None), id="TILE: no upper end"),
    ],
)
def test_samples_of_a_pixel(mosaicking: Mosaicking, days: int, scenes: float, expected: SampleCount) -> None:
    assert samples_per_pixel(mosaicking, days, scenes) == expected


def test_one_tile_input_takes_the_upper_end_away() -> None:
    tile = SampleCount(expected=2, upper=None)
    estimate = estimate_cost(body(2), (3000, 3000), facts(("B04",), ("B08",)), [ONCE, tile], CLASSIC)
    assert estimate.upper is None
    assert estimate.expected == pytest.approx(9_000_000 / 262_144 * (1 / 3 * 1 + 1 / 3 * 2) * 2)


def test_samples_of_two_inputs_are_weighed_by_their_bands() -> None:
    samples = [SampleCount(expected=1, upper=2), SampleCount(expected=10, upper=30)]
    estimate = estimate_cost(body(2), (3000, 3000), facts(("B04", "B08"), ("VV",)), samples, CLASSIC)
    area = 9_000_000 / 262_144
    assert both(estimate) == pytest.approx((area * (2 / 3 * 1 + 1 / 3 * 10) * 2, area * (2 / 3 * 2 + 10) * 2))


def output(identifier: str, sample_type: SampleType) -> ScriptOutput:
    return ScriptOutput(id=identifier, bands=1, sample_type=sample_type)


def response(identifier: str | None, media_type: str | None) -> dict[str, Any]:
    named = {"identifier": identifier} if identifier else {}
    return named | ({"format": {"type": media_type}} if media_type else {})


@pytest.mark.parametrize(
    ("responses", "outputs", "factor"),
    [
        pytest.param([], (output("default", SampleType.FLOAT32),), 1, id="no responses: one PNG"),
        pytest.param([response("default", None)], (output("default", SampleType.FLOAT32),), 1, id="no format: PNG"),
        pytest.param(
            [response("default", "image/png")], (output("default", SampleType.FLOAT32),), 1, id="FLOAT32 as PNG"
        ),
        pytest.param([response("default", "image/tiff")], (output("default", SampleType.AUTO),), 1, id="AUTO as TIFF"),
        pytest.param(
            [response("a", "image/tiff"), response("userdata", "application/json")],
            (output("a", SampleType.UINT8),),
            1,
            id="user data adds nothing",
        ),
        pytest.param(
            [response("a", "image/tiff")],
            (output("a", SampleType.UINT8), output("b", SampleType.FLOAT32)),
            1,
            id="FLOAT32 that is not asked for",
        ),
        pytest.param(
            [response(None, "image/tiff")], (output("default", SampleType.FLOAT32),), 2, id="the default output"
        ),
        pytest.param(
            [response("a", "image/png"), response("b", "image/tiff")],
            (output("a", SampleType.UINT8), output("b", SampleType.FLOAT32)),
            2,
            id="one of two is FLOAT32 as TIFF: the dearer counts",
        ),
    ],
)
def test_the_format_doubles_only_floating_point_tiff(
    responses: list[dict[str, Any]], outputs: tuple[ScriptOutput, ...], factor: float
) -> None:
    asked = body(responses=responses)
    estimate = estimate_cost(asked, (3000, 3000), facts(outputs=outputs), [ONCE], CLASSIC)
    assert estimate.expected == pytest.approx(9_000_000 / 262_144 * factor)


@pytest.mark.parametrize(
    ("processing", "factor"),
    [
        pytest.param({"orthorectify": False}, 1, id="switched off"),
        pytest.param({"backCoeff": "SIGMA0_ELLIPSOID"}, 1, id="another coefficient"),
        pytest.param({"speckleFilter": {"type": "NONE"}}, 1, id="no filter"),
        pytest.param({"speckleFilter": "LEE"}, 1, id="not an object: the service will say so"),
        pytest.param({"speckleFilter": {"type": "LEE"}}, 2, id="the Lee filter alone"),
        pytest.param({"backCoeff": "GAMMA0_TERRAIN"}, 2.5, id="terrain correction alone"),
        pytest.param({"backCoeff": "GAMMA0_TERRAIN", "speckleFilter": {"type": "LEE"}}, 5, id="both"),
    ],
)
def test_the_radar_factor(processing: dict[str, Any], factor: float) -> None:
    estimate = estimate_cost(body(processing=processing), (3000, 3000), facts(), [ONCE], CLASSIC)
    assert estimate.expected == pytest.approx(9_000_000 / 262_144 * factor)


def test_the_radar_factors_of_two_inputs_multiply_whichever_has_them() -> None:
    """Half of the price was reserved."""
    asked = body(2)
    for item, processing in zip(asked["input"]["data"], [TERRAIN, {"speckleFilter": {"type": "LEE"}}], strict=True):
        item["processing"] = processing
    estimate = estimate_cost(asked, (3000, 3000), facts(("VV",), ("VV",)), [ONCE, ONCE], CLASSIC)
    assert estimate.upper == pytest.approx(9_000_000 / 262_144 * 2 / 3 * 2 * (2.5 * 2))


@pytest.mark.parametrize(
    ("bands", "thirds"),
    [
        pytest.param(("B04", "B08"), 2, id="two"),
        pytest.param(("B04", "B04", "B08"), 2, id="a band named twice counts once"),
        pytest.param(("B04", "SCL"), 2, id="an auxiliary band counts"),
        pytest.param(("B04", "dataMask"), 1, id="dataMask is free"),
        pytest.param(("dataMask",), 1, id="dataMask alone is not"),
    ],
)
def test_which_bands_count(bands: tuple[str, ...], thirds: int) -> None:
    estimate = estimate_cost(body(), (3000, 3000), facts(bands), [ONCE], CLASSIC)
    assert estimate.expected == pytest.approx(9_000_000 / 262_144 * thirds / 3)


@pytest.mark.parametrize(
    ("region", "added"),
    [
        pytest.param("", 0, id="none written"),
        pytest.param("eu-central-1", 0, id="that of the deployment"),
        pytest.param("EU-Central-1", 0, id="that of the deployment, in capitals"),
        pytest.param("WAW3-1", 0, id="one of another cloud"),
        pytest.param("default", 0, id="the word of another store"),
        pytest.param("us-west-2", 0.03 * 3600 * 3400 * 8 / 1e6, id="another: 98 MB of two bands of 32 bits"),
    ],
)
def test_delivery_to_another_region_may_cost_more(region: str, added: float) -> None:
    """It was charged and not reserved, so that all submissions stopped."""
    setup = "function setup() { return {input: ['B04'], output: {bands: 2, sampleType: 'FLOAT32'}}; }\n"
    script = Script(path="ndvi.js", text=f"//VERSION=3\n{setup}function evaluatePixel(s) {{ return [s.B04, 1]; }}\n")
    url = "          url: s3://my-bucket/ndvi\n"
    elsewhere = good_but((url, f"{url}          region: {region}\n" if region else url))
    before, after = (appraised(accepted(each, script)).wanted for each in (good_but(), elsewhere))
    assert before and before.estimate and before.estimate.upper and after and after.estimate
    assert after.estimate.expected == before.estimate.expected
    assert after.estimate.upper == pytest.approx(before.estimate.upper + added)


@pytest.mark.parametrize(
    ("choice", "year", "days"),
    [
        pytest.param("orbits.slice(0, 10)", 2024, 10, id="the latest ten"),
        pytest.param("orbits.length > 100 ? orbits.slice(0, 10) : orbits", 2024, 181, id="ten, but all where few are"),
        pytest.param("orbits.filter((o) => o.dateFrom < '2011')", 2004, 7486, id="more days than are rehearsed"),
    ],
)
def test_the_upper_price_of_a_script_that_chooses_scenes_is_an_upper_end(choice: str, year: int, days: int) -> None:
    """Ten scenes were reserved where a hundred were paid for, and none of those before the latest 5000 days."""
    setup = "function setup() { return {input: ['B04'], output: {bands: 1}, mosaicking: 'ORBIT'}; }\n"
    choose = f"const {{orbits}} = all.scenes; all.scenes.orbits = {choice}; return all;"
    chosen = f"function preProcessScenes(all) {{ {choose} }}\n"
    script = f"//VERSION=3\n{setup}{chosen}function evaluatePixel() {{ return [1]; }}\n"
    times = f"{year}-01-01T00:00:00Z, to: 2024-06-29T23:59:59Z"
    job = judged(good_but((TIMES, f"from: {times}")), Script(path="ndvi.js", text=script))
    assert isinstance(job, ValidManifest), job
    wanted = appraised(job).wanted
    assert wanted is not None and wanted.estimate is not None
    base = job.request.width * job.request.height / 262_144 / 3 * days
    assert wanted.estimate.upper == pytest.approx(
        price_for(base, (job.request.width, job.request.height), CDSE, CDSE.discount_upper)
    )


@pytest.mark.parametrize(
    ("mosaicking", "has_end"),
    [
        pytest.param("SIMPLE", True, id="one sample of any time is as dear as one of a month"),
        pytest.param("ORBIT", False, id="orbits of any time have no upper end"),
        pytest.param("TILE", False, id="tiles of any time have no upper end"),
    ],
)
def test_without_a_time_range_only_simple_mosaicking_has_an_upper_end(mosaicking: str, has_end: bool) -> None:
    """It was priced as one day, while the service reads every scene there is."""
    setup = f"function setup() {{ return {{input: ['B04'], output: {{bands: 1}}, mosaicking: '{mosaicking}'}}; }}\n"
    script = f"//VERSION=3\n{setup}function evaluatePixel(samples) {{ return [1]; }}\n"
    job = judged(good_but((TIME_FILTER, "")), Script(path="ndvi.js", text=script))
    assert isinstance(job, ValidManifest)
    wanted = appraised(job).wanted
    assert wanted is not None and wanted.estimate is not None
    assert (wanted.estimate.upper is not None) == has_end
    assert has_end or wanted.estimate.expected > 1000
