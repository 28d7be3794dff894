"""What a submission costs, in processing units, before it is paid for.

Pure: from the request, the facts of its evalscript and a price table. Formula, factors and every assumption:
reference page "Processing units" §1.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from controller.model.job import Estimate
from controller.model.script import Mosaicking, SampleType, ScriptFacts


class Prices(BaseModel):
    """One operator's rule: `minimum` in processing units, discounts as factors from `discount_from_pixels` on."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    dated: str
    source: str
    minimum: float
    discount: float
    discount_upper: float
    discount_from_pixels: int


@cache
def price_table(name: str) -> Prices:
    """The table of this name; the deployment profiles name only tables that exist, which a test checks."""
    text = files("controller").joinpath("data/prices.json").read_text(encoding="utf-8")
    return Prices.model_validate(json.loads(text)["tables"][name])


PIXELS_OF_ONE_UNIT = 512 * 512
SMALLEST_AREA = 0.01
FREE_BAND = "dataMask"
OTHER_REGION = 0.03  # processing units per MB of 10^6 bytes that are delivered to another region
_AWS_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_BYTES = {SampleType.INT16: 2, SampleType.UINT16: 2, SampleType.FLOAT32: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCount:
    """Data samples per pixel of one input; `upper` None: no upper end is known (TILE)."""

    expected: float
    upper: float | None


def estimate_cost(
    body: Mapping[str, Any], size: tuple[int, int], facts: ScriptFacts, samples: Sequence[SampleCount], prices: Prices
) -> Estimate:
    """The expected and the upper price of a request of `size` (width, height); `samples` has one entry per input."""
    data = body["input"]["data"]
    fixed = _area(size) * _format_factor(body, facts) * _fusion_factor(data) * _radar_factor(data)
    weights = [_band_weight(item.bands) for item in facts.inputs]
    expected = sum(weight * item.expected for weight, item in zip(weights, samples, strict=True))
    upper = sum(weight * (item.upper or 0) for weight, item in zip(weights, samples, strict=True))
    endless = any(item.upper is None for item in samples)
    return Estimate(
        expected=price_for(fixed * expected, size, prices, prices.discount),
        upper=None if endless else price_for(fixed * upper, size, prices, prices.discount_upper),
    )


def price_for(base: float, size: tuple[int, int], prices: Prices, discount: float) -> float:
    """The price of a request whose terms multiply to `base`: the discount of a large raster, then the minimum."""
    width, height = size
    return max(prices.minimum, base * discount if width * height >= prices.discount_from_pixels else base)


def transfer_price(body: Mapping[str, Any], size: tuple[int, int], facts: ScriptFacts, home: str) -> float:
    """What the delivery to a bucket outside of the region `home` may cost beside the price.

    ASSUMED: the files are as large as without compression. Whether it is charged at all is not certain
    (open-questions.md D 34), so it belongs to the upper price alone.
    """
    output, (width, height) = body["output"], size
    region = output["delivery"]["s3"].get("region", home).lower()
    if region == home.lower() or _system(region) != _system(home.lower()):
        return 0.0
    delivered = {response.get("identifier", "default") for response in output.get("responses") or [{}]}
    pixel = sum(each.bands * _BYTES.get(each.sample_type, 1) for each in facts.outputs if each.id in delivered)
    return OTHER_REGION * width * height * pixel / 1e6


def _system(region: str) -> str:
    """What the regions of one cloud have in common: only between these is a transfer charged."""
    return "aws" if _AWS_REGION.fullmatch(region) else region[:3]


def samples_per_pixel(mosaicking: Mosaicking, days: int, scenes: float) -> SampleCount:
    """Samples of an input over `days` when the script drops no scene; `scenes` are expected, of days at most one each.

    One at least is expected: a request asks for a day because there is a scene.
    """
    match mosaicking:
        case Mosaicking.SIMPLE:
            return SampleCount(expected=1, upper=1)
        case Mosaicking.ORBIT:
            return SampleCount(expected=max(1.0, min(scenes, days)), upper=days)
        case Mosaicking.TILE:
            return SampleCount(expected=max(1.0, scenes), upper=None)


def _area(size: tuple[int, int]) -> float:
    width, height = size
    return max(width * height / PIXELS_OF_ONE_UNIT, SMALLEST_AREA)


def _band_weight(bands: Sequence[str]) -> float:
    counted = set(bands) - {FREE_BAND}
    return max(len(counted), 1) / 3


def _format_factor(body: Mapping[str, Any], facts: ScriptFacts) -> float:
    """2 when a 32-bit float output is written as TIFF, else 1."""
    responses = body["output"].get("responses") or [{}]
    tiffs = {
        response.get("identifier", "default")
        for response in responses
        if response.get("format", {}).get("type") == "image/tiff"
    }
    return 2.0 if any(item.sample_type is SampleType.FLOAT32 and item.id in tiffs for item in facts.outputs) else 1.0


def _fusion_factor(data: Sequence[Mapping[str, Any]]) -> float:
    """The number of inputs: requests of this API can only fuse collections of its own deployment."""
    return float(len(data))


def _radar_factor(data: Sequence[Mapping[str, Any]]) -> float:
    """Two factors of the whole request, each that of its dearest input."""
    inputs = [item.get("processing", {}) for item in data]
    return max(map(_terrain_factor, inputs)) * max(map(_speckle_factor, inputs))


def _terrain_factor(processing: Mapping[str, Any]) -> float:
    """Terrain correction replaces orthorectification."""
    if processing.get("backCoeff") == "GAMMA0_TERRAIN":
        return 2.5
    return 2.0 if processing.get("orthorectify") else 1.0


def _speckle_factor(processing: Mapping[str, Any]) -> float:
    speckle_filter = processing.get("speckleFilter")
    return 2.0 if isinstance(speckle_filter, Mapping) and speckle_filter.get("type") == "LEE" else 1.0
