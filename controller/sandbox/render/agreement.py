"""Whether the request and its script match: inputs, bands, mosaicking, outputs and formats.

The service checks this before it reads any data; the renderer does it first, and `routes` if scripts are checked at
submit. Source: reference page "Evalscript V3" §§2, 4, 6, 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.evalscript.blocks import UNNAMED
from controller.model.script import (
    Mosaicking,
    SampleType,
    ScriptFacts,
    ScriptInput,
    ScriptOutput,
    can_name_file,
    second_name,
    sources_read,
)
from controller.sandbox.failure import RenderFailed, script_failed
from controller.sandbox.planet.products import Product, WantedBand, product, wanted_bands

USERDATA = "userdata"
_JSON = "application/json"
_TIFF = "image/tiff"
_MOST_BANDS = 65535  # limit of the 16 bits of SamplesPerPixel (TIFF 6.0, page 24)
_UNSAID: Sequence[Mapping[str, Any]] = ({"identifier": "default", "format": {"type": "image/png"}},)
_EIGHT_BITS = (SampleType.AUTO, SampleType.UINT8)
# format: (sample types, numbers of components) it can hold; TIFF holds anything else
_PICTURES = {
    "image/png": ((*_EIGHT_BITS, SampleType.UINT16), (1, 2, 3, 4)),
    "image/jpeg": (_EIGHT_BITS, (1, 3)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One element of `input.data` with the input of the script that reads it, under its name in `samples`; `also` is
    a second one.
    """

    name: str
    also: str
    data: Mapping[str, Any]
    mosaicking: Mosaicking
    product: Product
    bands: tuple[WantedBand, ...]
    bounds: bool  # whether tiles are passed to the script with their outline


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One output in its requested format; `quality` is that of a JPEG."""

    output: ScriptOutput
    media_type: str
    quality: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """What to write: the images, and whether the script's user data are requested too."""

    images: tuple[Image, ...]
    userdata: bool


def agreed(body: Mapping[str, Any], facts: ScriptFacts, host: str | None = None) -> tuple[Pair, ...]:
    """The pairs of inputs, after every check that needs no data; raises RenderFailed.

    `host` is the emulated deployment: bands and defaults differ.
    """
    pairs = _pairs(body["input"]["data"], facts.inputs, host)
    if "updateOutput" not in facts.functions:
        agreed_responses(body, facts.outputs)
    return pairs


def agreed_responses(body: Mapping[str, Any], outputs: Sequence[ScriptOutput]) -> Responses:
    """The requested responses, matched with the script's outputs; raises RenderFailed where they do not match."""
    known = {output.id: output for output in outputs}
    images, userdata = [], False
    for response in body["output"].get("responses") or _UNSAID:
        name = response.get("identifier", "default")
        form = response.get("format", {})
        media_type = form.get("type", "image/png")
        if name == USERDATA:
            if media_type != _JSON:
                raise RenderFailed("COMMON_BAD_PAYLOAD", f"userdata can only be {_JSON}, not {media_type}")
            userdata = True
        elif name not in known:
            raise script_failed(f"responses ask for output {name!r}; setup() has {', '.join(map(repr, known))}")
        else:
            _check_format(known[name], media_type)
            images.append(Image(output=known[name], media_type=media_type, quality=form.get("quality", 90)))
    return Responses(images=tuple(images), userdata=userdata)


def _pairs(data: Sequence[Mapping[str, Any]], inputs: Sequence[ScriptInput], host: str | None) -> tuple[Pair, ...]:
    """A source that no input reads is only paid for."""
    ids = [element.get("id") for element in data]
    places = sources_read(inputs, ids)
    is_fused = len(inputs) > 1
    pairs = []
    for asked, place in zip(inputs, places, strict=True):
        if place is None:
            raise _sourceless(asked, ids, len(inputs))
        name = (asked.datasource or str(place)) if is_fused else UNNAMED
        also = UNNAMED if is_fused else second_name(asked, place, len(data))
        pairs.append(_pair((name, also), data[place], asked, host))
    if len({*places}) < len(places):
        raise script_failed("setup(): two inputs read the same datasource; give each its own")
    return tuple(pairs)


def _sourceless(asked: ScriptInput, ids: Sequence[str | None], inputs: int) -> RenderFailed:
    if asked.datasource is not None and len(ids) >= inputs:
        known = ", ".join(repr(id) for id in ids if id) or "none"
        return script_failed(f"setup() reads datasource {asked.datasource!r}; the ids in input.data are: {known}")
    return script_failed(f"setup() has {inputs} inputs; input.data of the request has {len(ids)}")


def _pair(names: tuple[str, str], data: Mapping[str, Any], asked: ScriptInput, host: str | None) -> Pair:
    collection = product(data["type"], host)
    if asked.mosaicking not in collection.mosaicking and collection.since is not None:
        offered = " and ".join(collection.mosaicking)
        raise script_failed(f"setup(): {collection.type} has no mosaicking {asked.mosaicking}; it has {offered}")
    return Pair(
        name=names[0],
        also=names[1],
        data=data,
        mosaicking=asked.mosaicking,
        product=collection,
        bands=wanted_bands(asked, collection),
        bounds="bounds" in asked.metadata,
    )


def _check_format(output: ScriptOutput, media_type: str) -> None:
    if not can_name_file(output.id):
        raise script_failed(f"output {output.id!r} cannot name a file; use letters, digits, _ - ., 50 at the most")
    if media_type == _TIFF:
        if output.bands > _MOST_BANDS:
            raise script_failed(f"{media_type} cannot hold {output.bands} bands (output {output.id!r})")
        return
    if media_type not in _PICTURES:
        raise RenderFailed("COMMON_BAD_PAYLOAD", f"output {output.id!r} cannot be written as {media_type}")
    types, counts = _PICTURES[media_type]
    if output.sample_type not in types:
        raise script_failed(f"{media_type} cannot hold {output.sample_type} (output {output.id!r}); use {_TIFF}")
    if output.bands not in counts:
        raise script_failed(f"{media_type} cannot hold {output.bands} bands (output {output.id!r}); use {_TIFF}")
