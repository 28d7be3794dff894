"""What a run costs at the sandbox; called by `runs` when one has succeeded.

Written only from the reference page "Processing units (PU) for the Async API": the controller has its own estimate,
and the two must be able to disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.model.script import SampleType, ScriptFacts, ScriptInput
from controller.sandbox.extent import output_size

UNIT_PIXELS = 512 * 512
SMALLEST_AREA = 0.01
BANDS_PER_UNIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRules:
    """Differences between deployments: the minimum price in PU, the Async factor, and the pixels it applies from."""

    minimum: float = 10.0
    discount: float = 2 / 3
    discount_from: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What is counted: output pixels, bands times samples per pixel summed over the inputs, and the special factors."""

    width: int
    height: int
    band_samples: float
    float_output: bool = False
    terrain_factor: float = 1.0
    speckle_factor: float = 1.0
    fusion_factor: float = 1.0


CDSE_2025 = PriceRules()
CLASSIC = PriceRules(discount=1.0)
PRICES: Mapping[str, PriceRules] = {"cdse-2025": CDSE_2025, "classic": CLASSIC}


def processing_units(usage: Usage, rules: PriceRules = CDSE_2025) -> float:
    """The price of one Async run in PU, not rounded (§1 of the page: discount first, then the minimum)."""
    area = max(usage.width * usage.height / UNIT_PIXELS, SMALLEST_AREA)
    base = area * usage.band_samples / BANDS_PER_UNIT * (2.0 if usage.float_output else 1.0)
    base *= usage.terrain_factor * usage.speckle_factor * usage.fusion_factor
    if usage.width * usage.height >= rules.discount_from:
        base *= rules.discount
    return max(rules.minimum, base)


def delivery_units(megabytes: float) -> float:
    """The surcharge for delivery to another region, in PU; a megabyte is 10^6 bytes (§1)."""
    return 0.03 * megabytes


def usage_of(body: Mapping[str, Any], facts: ScriptFacts, samples: Sequence[float]) -> Usage:
    """What a run of `body` used; `samples` per pixel of each input are the ones actually read, not an estimate.

    Pixels times bands times samples are counted input by input (§1, "With fusion and different sample counts").
    """
    width, height = output_size(body)
    data = body["input"]["data"]
    return Usage(
        width=width,
        height=height,
        band_samples=band_samples(facts.inputs, samples),
        float_output=_writes_floats(body, facts),
        terrain_factor=max(_terrain_factor(one.get("processing", {})) for one in data),
        speckle_factor=max(_speckle_factor(one.get("processing", {})) for one in data),
        fusion_factor=float(len(data)),
    )


def band_samples(inputs: Sequence[ScriptInput], samples: Sequence[float]) -> float:
    """Distinct bands times samples over all inputs; `dataMask` is free unless it is the only band requested."""
    counted = [len(set(one.bands) - {"dataMask"}) for one in inputs]
    if not any(counted):
        return max(samples)
    return sum(bands * each for bands, each in zip(counted, samples, strict=True))


def _writes_floats(body: Mapping[str, Any], facts: ScriptFacts) -> bool:
    tiffs = {
        response.get("identifier", "default")
        for response in body["output"].get("responses", ())
        if response.get("format", {}).get("type") == "image/tiff"
    }
    return any(output.id in tiffs and output.sample_type is SampleType.FLOAT32 for output in facts.outputs)


def _terrain_factor(processing: Mapping[str, Any]) -> float:
    if processing.get("backCoeff") == "GAMMA0_TERRAIN":
        return 2.5
    return 2.0 if processing.get("orthorectify") else 1.0


def _speckle_factor(processing: Mapping[str, Any]) -> float:
    speckle = processing.get("speckleFilter")
    return 2.0 if isinstance(speckle, Mapping) and speckle.get("type") == "LEE" else 1.0
