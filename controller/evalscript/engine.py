"""Runs one evalscript after another in the JavaScript engine, for the sandbox's rendering and for `cache.facts`.

Script failures of any kind are returned as a ScriptFailure. Rules: reference page "Evalscript V3" §§1-7.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from controller.evalscript.blocks import UNNAMED, PixelBlock, Planes, block_header, check_block
from controller.evalscript.frames import Header, Plane
from controller.evalscript.process import Child, EngineReply
from controller.evalscript.rehearsal import rehearsal_of, stage_document
from controller.evalscript.setup import positive_integer, script_facts, shown_value
from controller.model.answers import read_received
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

RUNTIME_PREFIX = "Failed to evaluate script! "

_NO_SCRIPT = ScriptFailure(
    kind=FailureKind.CRASH, message="No script is loaded, or its engine has ended; load it again"
)


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
        problem = _text_problem(text) or self._child.start()
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
        check_block(block, single)
        reply = self._step(
            "evaluate", block_header(block, self._outputs, single), [source.values for source in block.sources]
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
        return None if text is None else read_received(text)
    except RecursionError:
        return ScriptFailure(kind=kind, message="The script returned objects nested too deeply to be read")
    except ValueError:
        return ScriptFailure(kind=kind, message="The script returned a number of thousands of digits")


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
