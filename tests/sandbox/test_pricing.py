"""The sandbox's own price: every vector of the reference page "Processing units (PU) for the Async API" §3."""

import pytest

from controller.model.script import Mosaicking, SampleType, ScriptFacts, ScriptInput, ScriptOutput
from controller.sandbox.pricing import CLASSIC, Usage, band_samples, processing_units, usage_of

PIXELS = 512 * 512


def usage(width: int, height: int, bands: int, samples: float = 1, **factors: float) -> Usage:
    return Usage(
        width=width,
        height=height,
        band_samples=bands * samples,
        float_output=factors.get("bits") == 32,
        terrain_factor=factors.get("terrain", 1),
        speckle_factor=factors.get("speckle", 1),
        fusion_factor=factors.get("fusion", 1),
    )


VECTORS = {
    "1 the minimum tile": (usage(512, 512, 3), 10, 10, 10),
    "2 just below 10,000 px": (usage(99, 101, 3), 10, 10, 10),
    "3 exactly 10,000 px": (usage(100, 100, 3), 10, 10, 10),
    "4 a 20 px NDVI": (usage(20, 20, 2), 10, 10, 10),
    "5 2048 px RGB": (usage(2048, 2048, 3), 16, 10.6667, 16),
    "6 documented example 1": (usage(3600, 3400, 2), 3600 * 3400 / PIXELS * 2 / 3, 20.752, 31.1279),
    "7 documented example 3": (usage(10000, 10000, 3), 1e8 / PIXELS, 254.3132, 381.4697),
    "8 documented example 2": (usage(5000, 5000, 4, 31), 25e6 / PIXELS * 124 / 3, 2627.9026, 3941.8538),
    "9 documented example 4": (usage(5000, 5000, 6, 365), 25e6 / PIXELS * 730, 46412.1501, 69618.2251),
    "10 one band, 8 bit": (usage(10000, 10000, 1), 1e8 / PIXELS / 3, 84.7711, 127.1566),
    "11 one band, FLOAT32": (usage(10000, 10000, 1, bits=32), 1e8 / PIXELS * 2 / 3, 169.5421, 254.3132),
    "12 thirteen bands, UINT16": (usage(10000, 10000, 13), 1e8 / PIXELS * 13 / 3, 1102.0237, 1653.0355),
    "13 thirteen bands, FLOAT32": (usage(10000, 10000, 13, bits=32), 1e8 / PIXELS * 26 / 3, 2204.0473, 3306.071),
    "14 S1 change detection, orthorectified": (usage(1024, 1024, 4, 2, bits=32, terrain=2), 128 / 3, 28.4444, 42.6667),
    "15 S1, terrain corrected": (usage(4096, 4096, 1, bits=32, terrain=2.5), 320 / 3, 71.1111, 106.6667),
    "16 S1, orthorectified with a Lee filter": (
        usage(4096, 4096, 2, bits=32, terrain=2, speckle=2),
        1024 / 3,
        227.5556,
        341.3333,
    ),
    "17 S1, 16 bit": (usage(2000, 2000, 2, terrain=2), 4e6 / PIXELS * 4 / 3, 13.5634, 20.3451),
    "18 two local collections": (usage(3000, 3000, 4, fusion=2), 9e6 / PIXELS * 8 / 3, 61.0352, 91.5527),
    "19 two local and a remote one": (usage(3000, 3000, 5, fusion=4), 9e6 / PIXELS * 20 / 3, 152.5879, 228.8818),
    "20 three bands and dataMask": (usage(3000, 3000, 3), 9e6 / PIXELS, 22.8882, 34.3323),
    "21 dataMask alone": (usage(6000, 6000, 1), 36e6 / PIXELS / 3, 30.5176, 45.7764),
    "22 a strip of one row": (usage(10000, 1, 3), 10, 10, 10),
    "23 above the minimum": (usage(1982, 1984, 3), 1982 * 1984 / PIXELS, 10.0003, 15.0005),
    "24 500 samples": (usage(2000, 2000, 2, 500, terrain=2), 4e6 / PIXELS * 2000 / 3, 6781.684, 10172.526),
    "25 one sample of a small scene": (usage(631, 1047, 3), 10, 10, 10),
    "26 two samples of a small scene": (usage(631, 1047, 3, 2), 10, 10, 10),
}


@pytest.mark.parametrize(("used", "classic", "printed", "printed_classic"), VECTORS.values(), ids=VECTORS)
def test_the_price_of_every_vector_of_the_page(
    used: Usage, classic: float, printed: float, printed_classic: float
) -> None:
    """The discounted price is two thirds of the classic one, and never less than the minimum."""
    assert processing_units(used) == pytest.approx(max(10, classic * 2 / 3), abs=1e-6)
    assert processing_units(used, CLASSIC) == pytest.approx(classic, abs=1e-6)
    assert round(processing_units(used), 4) == printed
    assert round(processing_units(used, CLASSIC), 4) == printed_classic


def test_all_26_vectors_are_here() -> None:
    assert len(VECTORS) == 26


@pytest.mark.parametrize(
    ("bands", "samples", "counted"),
    [
        pytest.param([("B04", "B08")], [1], 2, id="each band counts"),
        pytest.param([("B04", "B04")], [1], 1, id="a band named twice counts once"),
        pytest.param([("B04", "B03", "B02", "dataMask")], [1], 3, id="dataMask is free beside others"),
        pytest.param([("dataMask",)], [1], 1, id="dataMask alone counts"),
        pytest.param([("dataMask",)], [30], 30, id="and in every sample"),
        pytest.param([("B04", "SCL", "CLM")], [1], 3, id="auxiliary bands count like any other"),
        pytest.param([("B04", "B08"), ("B04", "dataMask")], [1, 1], 3, id="the bands of two collections are added"),
        pytest.param([("VV",), ("B04", "B08")], [9, 2], 13, id="each input has samples of its own"),
        pytest.param([("VV",), ("B04", "B08")], [0, 1], 2, id="an input without scenes costs nothing"),
    ],
)
def test_which_bands_are_counted_how_often(bands: list[tuple[str, ...]], samples: list[float], counted: int) -> None:
    assert band_samples([ScriptInput(bands=one) for one in bands], samples) == counted


def script(*outputs: ScriptOutput) -> ScriptFacts:
    return ScriptFacts(
        inputs=(ScriptInput(bands=("B04", "B08")),),
        outputs=outputs,
        mosaicking=Mosaicking.SIMPLE,
        functions=frozenset(),
    )


FLOATS = ScriptOutput(id="floats", bands=1, sample_type=SampleType.FLOAT32)
WHOLES = ScriptOutput(id="wholes", bands=1, sample_type=SampleType.UINT16)


def response(identifier: str, kind: str = "image/tiff") -> dict[str, object]:
    return {"identifier": identifier, "format": {"type": kind}}


@pytest.mark.parametrize(
    ("responses", "doubled"),
    [
        pytest.param([response("floats")], True, id="a FLOAT32 TIFF doubles the price"),
        pytest.param([response("wholes")], False, id="a UINT16 TIFF does not"),
        pytest.param([response("wholes"), response("floats")], True, id="of several outputs the dearest decides"),
        pytest.param([response("wholes"), response("userdata", "application/json")], False, id="userdata adds nothing"),
    ],
)
def test_which_outputs_double_the_price(responses: list[dict[str, object]], doubled: bool) -> None:
    body = {
        "input": {"bounds": {"bbox": [0, 0, 1, 1]}, "data": [{"type": "sentinel-2-l2a"}]},
        "output": {"width": 100, "height": 100, "responses": responses},
    }
    assert usage_of(body, script(FLOATS, WHOLES), [1]).float_output is doubled


def test_size_samples_and_sentinel_1_factors_come_from_the_body() -> None:
    body = {
        "input": {
            "bounds": {
                "bbox": [462000, 3994000, 426000, 3960000],
                "properties": {"crs": "http://www.opengis.net/def/crs/EPSG/0/32633"},
            },
            "data": [
                {"type": "sentinel-1-grd", "processing": {"backCoeff": "GAMMA0_TERRAIN", "orthorectify": True}},
                {"type": "sentinel-1-grd", "processing": {"speckleFilter": {"type": "LEE"}}},
            ],
        },
        "output": {"resx": 10, "resy": 10},
    }
    assert usage_of(body, script(WHOLES), [7.5]) == Usage(
        width=3600, height=3400, band_samples=15, terrain_factor=2.5, speckle_factor=2.0, fusion_factor=2.0
    )
