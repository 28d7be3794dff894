"""Blocks of pixels for evaluatePixel: the samples of their scenes, and the numbers that come back."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from controller.evalscript.frames import Header, Plane
from controller.model.script import ScriptOutput

UNNAMED = ""  # the name of the only datasource of a request without fusion
_WIDTH = {"float32": 4, "float64": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The samples of one datasource for a block of pixels.

    `values` holds raw little-endian numbers of `dtype`, ordered [sample][band][pixel]; `samples` is the number per
    pixel: always 1 in SIMPLE mode without fusion, any number otherwise. `dataMask` is a band like the others.
    `name` is the datasource's id, or "0", "1", …; UNNAMED without fusion. Under `also`, if any, the samples find an
    array of themselves, as it would be in data fusion.
    """

    bands: tuple[str, ...]
    values: Plane
    samples: int = 1
    name: str = UNNAMED
    also: str = UNNAMED
    dtype: Literal["float32", "float64"] = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelBlock:
    """`pixels` adjacent pixels in row-major order and the arguments of `evaluatePixel` for them.

    `scenes` is the function's second argument as JSON: {} in SIMPLE mode, {"orbits": […]} or {"tiles": […]};
    with fusion, one such object by datasource name. Only outputs that are `delivered` (None: all) have to be returned.
    """

    pixels: int
    sources: tuple[Samples, ...]
    scenes: Mapping[str, Any] = field(default_factory=dict)
    delivered: Collection[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """The results of a block: by output id the stored numbers, little-endian, ordered [band][pixel]."""

    outputs: Mapping[str, bytes]


def check_block(block: PixelBlock, single: bool) -> None:
    """Raises `ValueError` for a block that is inconsistent in itself, or with a `single` sample per pixel."""
    for source in block.sources:
        wanted = block.pixels * len(source.bands) * source.samples * _WIDTH[source.dtype]
        if memoryview(source.values).nbytes != wanted:
            given = memoryview(source.values).nbytes
            raise ValueError(f"datasource {source.name!r} has {given} bytes of values, not {wanted}")
    if single and block.sources[0].samples != 1:
        raise ValueError("a SIMPLE script has exactly one sample per pixel")


def block_header(block: PixelBlock, outputs: Sequence[ScriptOutput], single: bool) -> Header:
    """What the child receives of a block beside its values."""
    return {
        "pixels": block.pixels,
        "single": single,
        "fusion": [source.name for source in block.sources] != [UNNAMED],
        "scenes": json.dumps(block.scenes),
        "sources": [
            {
                "name": source.name,
                "also": source.also,
                "bands": source.bands,
                "samples": source.samples,
                "dtype": source.dtype,
            }
            for source in block.sources
        ],
        "outputs": [_output_header(output, block.delivered) for output in outputs],
    }


def _output_header(output: ScriptOutput, delivered: Collection[str] | None) -> Header:
    return {
        "id": output.id,
        "bands": output.bands,
        "sampleType": output.sample_type,
        "delivered": delivered is None or output.id in delivered,
    }
