"""Whether the request and its script fit together: outputs, formats, sample types, mosaicking.

The service checks this before it reads any data; the renderer calls it first.
Source: reference page "Evalscript V3" §§2, 6, 7.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.sandbox.failure import RenderFailed, not_here, script_failed
from controller.script import Mosaicking, SampleType, ScriptFacts, ScriptInput, ScriptOutput

USERDATA = "userdata"
_JSON = "application/json"
_FILE_NAME = re.compile(r"[\w.-]+")
_UNSAID: Sequence[Mapping[str, Any]] = ({"identifier": "default", "format": {"type": "image/png"}},)
_EIGHT_BITS = (SampleType.AUTO, SampleType.UINT8)
# format: (sample types, numbers of components) it can hold; TIFF holds anything
_PICTURES = {
    "image/png": ((*_EIGHT_BITS, SampleType.UINT16), (1, 2, 3, 4)),
    "image/jpeg": (_EIGHT_BITS, (1, 3)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """What is to be written: the images, and whether the script's user data are wanted beside them."""

    images: tuple[ScriptOutput, ...]
    userdata: bool


def only_source(body: Mapping[str, Any], facts: ScriptFacts) -> tuple[Mapping[str, Any], ScriptInput]:
    """The one element of `input.data` and the one input of the script; raises RenderFailed for data fusion."""
    sources = body["input"]["data"]
    if len(sources) != 1:
        raise not_here("several elements in input.data (data fusion) are not in the sandbox yet")
    if len(facts.inputs) != 1:
        raise script_failed(f"setup() has {len(facts.inputs)} inputs, the request has one element in input.data")
    name, asked = sources[0].get("id"), facts.inputs[0]
    if asked.datasource is not None and asked.datasource != name:
        raise script_failed(f"setup() reads datasource {asked.datasource!r}; input.data[0].id is {name!r}")
    if asked.mosaicking is Mosaicking.TILE:
        raise not_here("mosaicking TILE is not in the sandbox yet; use ORBIT or SIMPLE")
    if sources[0].get("processing", {}).get("harmonizeValues") is False:
        raise not_here("harmonizeValues: false is not in the sandbox yet; its archive has one processing baseline")
    return sources[0], asked


def agreed_responses(body: Mapping[str, Any], outputs: Sequence[ScriptOutput]) -> Responses:
    """The responses asked for, matched with the script's outputs; raises RenderFailed where they do not match."""
    known = {output.id: output for output in outputs}
    images, userdata = [], False
    for response in body["output"].get("responses") or _UNSAID:
        name = response.get("identifier", "default")
        media_type = response.get("format", {}).get("type", "image/png")
        if name == USERDATA:
            if media_type != _JSON:
                raise RenderFailed("COMMON_BAD_PAYLOAD", f"userdata can only be {_JSON}, not {media_type}")
            userdata = True
        elif name not in known:
            raise script_failed(f"responses ask for output {name!r}; setup() has {', '.join(map(repr, known))}")
        else:
            _check_format(known[name], media_type)
            images.append(known[name])
    return Responses(images=tuple(images), userdata=userdata)


def _check_format(output: ScriptOutput, media_type: str) -> None:
    if not _FILE_NAME.fullmatch(output.id):
        raise script_failed(f"output {output.id!r} cannot name a file; use letters, digits, '_', '-' and '.'")
    if media_type == "image/tiff":
        return
    if media_type not in _PICTURES:
        raise RenderFailed("COMMON_BAD_PAYLOAD", f"output {output.id!r} cannot be written as {media_type}")
    types, counts = _PICTURES[media_type]
    if output.sample_type not in types:
        raise script_failed(f"{media_type} cannot hold {output.sample_type} (output {output.id!r}); use image/tiff")
    if output.bands not in counts:
        raise script_failed(f"{media_type} cannot hold {output.bands} bands (output {output.id!r}); use image/tiff")
    raise not_here(f"{media_type} is not in the sandbox yet; use image/tiff for output {output.id!r}")
