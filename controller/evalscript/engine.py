"""Runs one evalscript after another in the JavaScript engine, for the sandbox's rendering and for `cache.facts`.

Script failures of any kind are returned as a ScriptFailure. Rules: reference page "Evalscript V3" §§1-7.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from controller.evalscript.frames import READY, Header, Plane
from controller.evalscript.process import Child, EngineReply
from controller.evalscript.rehearsal import rehearsal_of, stage_document
from controller.evalscript.setup import positive_integer, script_facts, shown_value
from controller.model.errors import truncate
from controller.model.script import (
    FailureKind,
    Mosaicking,
    Rehearsal,
    ScriptFacts,
    ScriptFailure,
    ScriptOutput,
    Stage,
    pragma,
)

START = 30.0  # seconds for the child to start
RUNTIME_PREFIX = "Failed to evaluate script! "
UNNAMED = ""  # the name of the only datasource of a request without fusion

_NO_SCRIPT = ScriptFailure(
    kind=FailureKind.CRASH, message="No script is loaded, or its engine has ended; load it again"
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePlan:
    """The scenes the script chose, and its outputs after `updateOutput`.

    `kept` lists, by datasource name, the indexes of the kept scenes among those given, in the order of the samples.
    """

    kept: Mapping[str, tuple[int, ...]]
    outputs: tuple[ScriptOutput, ...]


class Engine:
    """One child process, one script at a time; not thread-safe.

    Each call may take `seconds`; the child may use `memory` bytes. A child that exits is replaced at the next `load`.
    `older_ramps`: colour ramps as documented in 2025 (reference page "Evalscript V3" §9).
    """

    def __init__(self, *, seconds: float = 1800.0, memory: int = 1 << 30, older_ramps: bool = False) -> None:
        self.seconds = seconds
        self._child = Child(memory=memory, ramps="older" if older_ramps else "newer")
        self._facts: ScriptFacts | None = None
        self._outputs: tuple[ScriptOutput, ...] = ()
        self._loaded_by: int | None = None
        self._text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Of the child, None when there is none."""
        return self._child.pid

    def kill(self) -> None:
        """The only call allowed from another thread: end the child, whatever it is doing."""
        self._child.kill()

    def close(self) -> None:
        """End the child. A later `load` starts another."""
        self._facts = None
        self._child.close()

    def load(self, text: str) -> ScriptFacts | ScriptFailure:
        """Start over with this script: check the pragma, run the top level, call setup()."""
        self._facts = None
        problem = _text_problem(text) or self._start()
        if problem:
            return problem
        reply = self._call({"step": "load", "text": text, "seconds": self.seconds})
        if isinstance(reply, ScriptFailure):
            return _hinted(reply)
        facts = _facts_from(reply.header)
        if isinstance(facts, ScriptFacts):
            self._facts, self._outputs, self._loaded_by = facts, facts.outputs, self._child.pid
            self._text = text
        return facts

    def scenes(
        self, collections: Mapping[str, Mapping[str, Any]], filtered: tuple[str, str] | None = None
    ) -> ScenePlan | ScriptFailure:
        """Let preProcessScenes choose the scenes and updateOutput the band counts, where the script defines them.

        `filtered` is the time range for filterScenes, which V3's documentation does not list; None: it is not called.

        `collections` has the functions' argument by datasource name, as JSON: {"from": …, "to": …, "scenes": {"orbits":
        […]}}. Later blocks are written with the outputs of the plan.
        """
        if self._facts is None:
            return _NO_SCRIPT
        argument = {
            "collections": collections,
            "fusion": UNNAMED not in collections,
            "preprocess": _has_scenes(self._facts),
            "filter": filtered and {"from": filtered[0], "to": filtered[1]},
            "update": True,
            "outputs": [{"id": output.id, "bands": output.bands} for output in self._facts.outputs],
        }
        reply = self._step("plan", argument)
        if isinstance(reply, ScriptFailure):
            return reply
        answer = _decoded(reply.header["answer"], FailureKind.RUNTIME)
        plan = answer if isinstance(answer, ScriptFailure) else _plan_from(answer, self._facts.outputs)
        if isinstance(plan, ScenePlan):
            self._outputs = plan.outputs
        return plan

    def evaluate(self, block: PixelBlock) -> Planes | ScriptFailure:
        """evaluatePixel for every pixel of the block; globals of the script persist from block to block.

        Raises ValueError for a block inconsistent in itself or with the script's mosaicking: a bug of the caller.
        """
        if self._facts is None:
            return _NO_SCRIPT
        single = _is_single_sample(block, self._facts)
        _check_block(block, single)
        reply = self._step(
            "evaluate", _block_header(block, self._outputs, single), [source.values for source in block.sources]
        )
        if isinstance(reply, ScriptFailure):
            return reply
        ids = [output.id for output in self._outputs]
        return Planes(outputs=dict(zip(ids, reply.planes, strict=True)))

    def rehearse(self, stage: Stage) -> Rehearsal | ScriptFailure:
        """A dry run over a few synthetic pixels; afterwards the script must be loaded again for anything else."""
        reply = self._step("rehearse", stage_document(stage))
        self._facts = None
        if isinstance(reply, ScriptFailure):
            return reply
        report = _decoded(reply.header["answer"], FailureKind.RUNTIME)
        return report if isinstance(report, ScriptFailure) else rehearsal_of(report, self._text)

    def finish(self) -> object | ScriptFailure:
        """Call updateOutputMetadata, if defined; the JSON value of outputMetadata.userData, {} when never assigned."""
        reply = self._step("finish", None)
        return reply if isinstance(reply, ScriptFailure) else _decoded(reply.header["answer"], FailureKind.RUNTIME)

    def _start(self) -> ScriptFailure | None:
        """Make sure that there is a child. Its start is not the script's time: a busy machine may need seconds."""
        if self._child.pid is not None:
            return None
        if problem := self._child.start():
            return problem
        reply = self._child.call({"step": READY}, seconds=START)
        if isinstance(reply, EngineReply):
            return None
        words = {FailureKind.TIMEOUT: f"within {START:g} s", FailureKind.MEMORY: "with the memory that it may have"}
        if why := words.get(reply.kind):
            return replace(reply, kind=FailureKind.CRASH, message=f"The script engine did not start {why}")
        return reply

    def _step(self, step: str, argument: object, planes: Sequence[Plane] = ()) -> EngineReply | ScriptFailure:
        if self._facts is None or self._child.pid != self._loaded_by:
            return _NO_SCRIPT
        header = {"step": step, "argument": json.dumps(argument), "outputs": len(self._outputs)}
        reply = self._call(header, planes)
        if isinstance(reply, ScriptFailure) and reply.kind is FailureKind.RUNTIME:
            return replace(reply, message=RUNTIME_PREFIX + reply.message)
        if isinstance(reply, EngineReply) and reply.header.get("complaint"):
            return ScriptFailure(kind=FailureKind.RUNTIME, message=reply.header["complaint"])
        return reply

    def _call(self, header: Header, planes: Sequence[Plane] = ()) -> EngineReply | ScriptFailure:
        reply = self._child.call(header, planes, seconds=self.seconds)
        if isinstance(reply, EngineReply) and "failure" in reply.header:
            reported = reply.header["failure"]
            checked = {"kind": FailureKind(reported["kind"]), "message": truncate(reported["message"])}
            reply = ScriptFailure(**{**reported, **checked})
        if isinstance(reply, ScriptFailure) and reply.kind is not FailureKind.RUNTIME:
            self._facts = None
        return reply


def _text_problem(text: str) -> ScriptFailure | None:
    found = pragma(text)
    if found is None or found.version != 3:
        first = text[found.start if found else 0 :].lstrip().partition("\n")[0].rstrip()[:40]
        message = f"The first line must be //VERSION=3, but it is {first!r}; older versions cannot be run"
        line = text.count("\n", 0, found.start) + 1 if found else 1
        return ScriptFailure(kind=FailureKind.SYNTAX, message=message, line=line, column=1)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        message = "The script holds half of a character pair (a lone surrogate); save it as UTF-8"
        return ScriptFailure(kind=FailureKind.SYNTAX, message=message, line=line)
    return None


def _hinted(failure: ScriptFailure) -> ScriptFailure:
    if failure.kind is FailureKind.SYNTAX and "Illegal return statement" in failure.message:
        hint = "; it stands outside of every function: move it into evaluatePixel()"
        return replace(failure, message=failure.message + hint)
    return failure


def _facts_from(header: Header) -> ScriptFacts | ScriptFailure:
    missing = [name for name in ("setup", "evaluatePixel") if name not in header["functions"]]
    if missing:
        names = " and ".join(f"{name}()" for name in missing)
        return ScriptFailure(kind=FailureKind.SETUP, message=f"The script defines no function {names}; write one")
    answer = _decoded(header["answer"], FailureKind.SETUP)
    return answer if isinstance(answer, ScriptFailure) else script_facts(answer, header["functions"])


def _decoded(text: str | None, kind: FailureKind) -> Any | ScriptFailure:
    """JSON the script produced; None for values JSON cannot represent, such as undefined."""
    try:
        return None if text is None else json.loads(text)
    except RecursionError:
        return ScriptFailure(kind=kind, message="The script returned objects nested too deeply to be read")


def _has_scenes(facts: ScriptFacts) -> bool:
    return any(source.mosaicking is not Mosaicking.SIMPLE for source in facts.inputs)


def _is_single_sample(block: PixelBlock, facts: ScriptFacts) -> bool:
    return [source.name for source in block.sources] == [UNNAMED] and not _has_scenes(facts)


def _plan_from(answer: Header, outputs: Sequence[ScriptOutput]) -> ScenePlan | ScriptFailure:
    if "complaint" in answer:
        return ScriptFailure(kind=FailureKind.RUNTIME, message=answer["complaint"])
    for name, kept in answer["kept"].items():
        if any(type(position) is not int for position in kept) or len(set(kept)) != len(kept):
            where = f" of {name}" if name else ""
            message = (
                f"preProcessScenes may only drop or reorder the scenes{where} it was given, not make or repeat any"
            )
            return ScriptFailure(kind=FailureKind.RUNTIME, message=message)
    bands = {name: positive_integer(count) for name, count in answer["bands"].items()}
    for name, count in answer["bands"].items():
        if bands[name] is None:
            message = f'updateOutput left {shown_value(count)} as the bands of output "{name}"; it must be 1 or more'
            return ScriptFailure(kind=FailureKind.RUNTIME, message=message)
    return ScenePlan(
        kept={name: tuple(kept) for name, kept in answer["kept"].items()},
        outputs=tuple(replace(output, bands=bands[output.id] or output.bands) for output in outputs),
    )


def _check_block(block: PixelBlock, single: bool) -> None:
    for source in block.sources:
        wanted = block.pixels * len(source.bands) * source.samples * _WIDTH[source.dtype]
        if memoryview(source.values).nbytes != wanted:
            given = memoryview(source.values).nbytes
            raise ValueError(f"datasource {source.name!r} has {given} bytes of values, not {wanted}")
    if single and block.sources[0].samples != 1:
        raise ValueError("a SIMPLE script has exactly one sample per pixel")


_WIDTH = {"float32": 4, "float64": 8}


def _block_header(block: PixelBlock, outputs: Sequence[ScriptOutput], single: bool) -> Header:
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
