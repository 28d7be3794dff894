"""Whether a request matches its evalscript: an input for every source, and outputs that fit their files.

Pure. The appraiser calls it once for every new text, with the facts found by the engine. Source of the rules: reference
page "Evalscript V3" §§2, 3, 6 and 7. The bands are checked by `bands`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from controller.analysis.bands import band_findings, setup_position
from controller.analysis.source import SourceText, source_of
from controller.manifest.document import Path
from controller.manifest.problems import DATA
from controller.manifest.request import Request
from controller.manifest.rules.responses import JPEG, PNG, RESPONSES, TIFF, USERDATA, identifier, media_type
from controller.model.catalog import nearest
from controller.model.errors import Finding, truncate
from controller.model.script import (
    Rehearsal,
    SampleType,
    ScriptFacts,
    ScriptInput,
    ScriptOutput,
    can_name_file,
    sources_read,
)

Pair = tuple[ScriptInput, Mapping[str, Any]]

_EIGHT_BITS = (SampleType.AUTO, SampleType.UINT8)
# What an image can hold: sample types, and numbers of components with alpha. A TIFF counts its bands with 16 bits.
_HOLDS: Mapping[str, tuple[tuple[SampleType, ...], Sequence[int]]] = {
    PNG: ((*_EIGHT_BITS, SampleType.UINT16), (1, 2, 3, 4)),
    JPEG: (_EIGHT_BITS, (1, 3)),
    TIFF: (tuple(SampleType), range(1, 65536)),
}


def disagreements(request: Request, facts: ScriptFacts) -> Iterator[Finding]:
    """Everything in the request that the service would refuse or process differently than intended."""
    source, data = source_of(request.body["evalscript"]), request.body["input"]["data"]
    yield from _inputs(facts, data, source)
    for asked, dataset in pair_inputs(facts.inputs, data):
        is_for_all = len(facts.inputs) > 1 and asked.mosaicking is facts.mosaicking
        yield from band_findings(asked, dataset, source, is_for_all=is_for_all)
    yield from _outputs(facts, request.body["output"].get("responses"), source)


def unfit_after_update(request: Request, rehearsal: Rehearsal) -> Iterator[Finding]:
    """Outputs that never fit their files, with any number of bands that updateOutput left of them in the rehearsal."""
    written = request.body["output"].get("responses")
    for number, response in enumerate(written or [{}]):
        name, media = identifier(response), media_type(response)
        if error := _unfit_bands(name, rehearsal.resized.get(name, ()), media):
            path = (*RESPONSES, number, "format") if written else RESPONSES
            yield Finding(code="E222", path=path, message=f"after updateOutput, {error}")


def pair_inputs(inputs: Sequence[ScriptInput], data: Sequence[Mapping[str, Any]]) -> list[Pair]:
    """Each input of `setup()` with what it reads: the source its `datasource` names, else the one at its position."""
    read = sources_read(inputs, [each.get("id") for each in data])
    return [(asked, data[place]) for asked, place in zip(inputs, read, strict=True) if place is not None]


# --- inputs and sources ---


def _inputs(facts: ScriptFacts, data: Sequence[Mapping[str, Any]], source: SourceText) -> Iterator[Finding]:
    count, ids = len(facts.inputs), [dataset["id"] for dataset in data if "id" in dataset]
    read = [place for place in sources_read(facts.inputs, [each.get("id") for each in data]) if place is not None]
    line, column = setup_position(source, "input")
    if count > len(data):
        message = f"setup() has {count} inputs, and input.data has {len(data)}: write one input for each source"
        yield Finding(code="E230", message=message, line=line, column=column)
    elif len({*read}) < len(read):
        twice = next(place for place in read if read.count(place) > 1)
        message = f"two inputs of setup() read input.data[{twice}]: write one input with the bands of both"
        yield Finding(code="E230", message=message, line=line, column=column)
    for name in (each.datasource for each in facts.inputs):
        if name is not None and name not in ids:
            yield _nameless(name, ids, len(data), source)
    for number in range(len(data)):
        if count < len(data) and number not in read:
            message = "is read by no input of the evalscript, and makes the job cost more: remove it, or read it"
            yield Finding(code="W117", path=(*DATA, number), message=message)


def _nameless(name: str, ids: list[str], count: int, source: SourceText) -> Finding:
    line, column = setup_position(source, name)
    if count == 1 and not ids:
        message = f"the datasource {name!r} is the id of no source: write `id: {name}` in input.data[0]"
        return Finding(code="W117", message=message, line=line, column=column)
    near = nearest(name, ids)
    hint = f"did you mean {near}?" if near else f"the ids are {', '.join(ids)}" if ids else "they have no `id` at all"
    message = f"the datasource {name!r} is the id of no source in input.data: {hint}"
    return Finding(code="E231", message=message, line=line, column=column)


# --- outputs and responses ---


def _outputs(facts: ScriptFacts, written: Sequence[Mapping[str, Any]] | None, source: SourceText) -> Iterator[Finding]:
    outputs = {output.id: output for output in facts.outputs}
    responses = written or [{}]
    for number, response in enumerate(responses):
        path: Path = (*RESPONSES, number) if written else RESPONSES
        if identifier(response) == USERDATA:
            if "userData" not in source.text:
                message = "the evalscript never sets outputMetadata.userData: the file will hold {}"
                yield Finding(code="W121", path=path, message=message)
        else:
            yield from _response(response, path, outputs, facts, source)
    delivered = {identifier(response) for response in responses}
    for name in outputs:
        if name not in delivered:
            line, column = setup_position(source, name)
            message = f"the output `{name}` is delivered by no response: write one, or remove the output"
            yield Finding(code="W115", message=message, line=line, column=column)


def _response(
    response: Mapping[str, Any],
    path: Path,
    outputs: Mapping[str, ScriptOutput],
    facts: ScriptFacts,
    source: SourceText,
) -> Iterator[Finding]:
    name, media = identifier(response), media_type(response)
    assumed = "" if path[-1] != "responses" else f"without responses, `{name}` is delivered as {media}, and "
    if name not in outputs:
        near = nearest(name, outputs)
        hint = f"did you mean {near}?" if near else f"it has {', '.join(outputs) or 'none'}"
        message = f"{assumed}setup() has no output `{name}`: {hint}"
        yield Finding(code="E221", path=path if assumed else (*path, "identifier"), message=message)
        return
    bands = () if "updateOutput" in facts.functions else (outputs[name].bands,)
    error = _misfit(outputs[name], media) or _unfit_bands(name, bands, media)
    if error:
        yield Finding(code="E222", path=path if assumed else (*path, "format"), message=assumed + error)
    elif outputs[name].nodata is not None and media != TIFF:
        line, column = setup_position(source, "nodataValue")
        message = f"the nodataValue of output `{name}` is lost: only {TIFF} can keep one"
        yield Finding(code="W116", message=message, line=line, column=column)


def _misfit(output: ScriptOutput, media: str) -> str:
    """Why an output cannot be written in a format, whatever its number of bands."""
    if not can_name_file(output.id):
        name = truncate(output.id, 60)
        return f"the id `{name}` cannot name a file: write letters, digits, `_`, `-` and `.`, 50 at the most"
    if media not in _HOLDS:
        return ""
    types, _ = _HOLDS[media]
    if output.sample_type not in types:
        choices = f"{', '.join(types[:-1])} or {types[-1]}"
        return f"{media} cannot hold {output.sample_type} (output `{output.id}`): write {choices}, or {TIFF}"
    return ""


def _unfit_bands(name: str, bands: Collection[int], media: str) -> str:
    """Why an output cannot be written in a format with any of these numbers of bands; empty when none is known."""
    _, counts = _HOLDS.get(media, ((), bands))
    if not bands or any(each in counts for each in bands):
        return ""
    error = f"{media} cannot hold {min(bands)} bands (output `{name}`), only "
    if media == TIFF:
        return f"{error}{len(counts)}: write several outputs"
    return f"{error}{', '.join(map(str, counts))}: write {TIFF}"
