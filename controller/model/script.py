"""What an evalscript declares about itself: the facts that pricing, checking and the sandbox use.

Produced by `controller.evalscript`, which runs the script in the real engine; read everywhere else.
Definitions: reference page "Evalscript V3" §2 (`setup()`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

_LINE = r"[^\n\r\u2028\u2029]*"  # what a comment of one line holds
_PRAGMA = re.compile(rf"//[^\S\n\r]*VERSION[^\S\n\r]*=[^\S\n\r]*(?P<version>\d+)(?P<remark>{_LINE})")
_FILE_NAME = re.compile(r"[\w.-]+")
_LONGEST_NAME = 50  # characters
_NOT_CODE = re.compile(rf"[\s\ufeff]+|//{_LINE}|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pragma:
    """The comment that names a script's version: `end` is where its number ends, `remark` the rest of its line."""

    version: int
    start: int
    end: int
    remark: str


def pragma(text: str) -> Pragma | None:
    """The version comment of an evalscript, None when other code comes first, or when there is none.

    Only white space, a byte order mark and other comments may stand before it: pages and notebooks indent it or break
    the line, and the service takes that.
    """
    position = 0
    while True:
        if found := _PRAGMA.match(text, position):
            version = int(found["version"][:9])
            return Pragma(version=version, start=position, end=found.end("version"), remark=found["remark"].strip())
        skipped = _NOT_CODE.match(text, position)
        if skipped is None:
            return None
        position = skipped.end()


class Mosaicking(StrEnum):
    """How scenes reach `evaluatePixel`: one merged sample, one per day, or one per source tile."""

    SIMPLE = "SIMPLE"
    ORBIT = "ORBIT"
    TILE = "TILE"


class SampleType(StrEnum):
    """How a returned number is stored; AUTO scales 0..1 to UINT8."""

    INT8 = "INT8"
    UINT8 = "UINT8"
    INT16 = "INT16"
    UINT16 = "UINT16"
    FLOAT32 = "FLOAT32"
    AUTO = "AUTO"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptInput:
    """One element of `setup().input`; `units` is empty (defaults), one for all, or one per band."""

    bands: tuple[str, ...]
    units: tuple[str, ...] = ()
    datasource: str | None = None
    mosaicking: Mosaicking = Mosaicking.SIMPLE
    metadata: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOutput:
    """One element of `setup().output`; `bands` is the number of components."""

    id: str
    bands: int
    sample_type: SampleType = SampleType.AUTO
    nodata: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFacts:
    """What `setup()` returned, and which of the known functions the script defines."""

    inputs: tuple[ScriptInput, ...]
    outputs: tuple[ScriptOutput, ...]
    mosaicking: Mosaicking
    functions: frozenset[str]


def sources_read(inputs: Sequence[ScriptInput], ids: Sequence[str | None]) -> list[int | None]:
    """For each input of a script the position in `input.data` of what it reads, by the ids there; None: nothing.

    That is the source its `datasource` names, else the one at its own position. A single source may lack the id.
    """
    places = {id: place for place, id in enumerate(ids) if id is not None}
    if len(ids) == 1 and not places:
        return [0 if number == 0 else None for number in range(len(inputs))]
    return [
        places.get(each.datasource) if each.datasource is not None else number if number < len(ids) else None
        for number, each in enumerate(inputs)
    ]


def second_name(asked: ScriptInput, place: int, sources: int) -> str:
    """Where samples of a script's only input are found, too; empty: nowhere else.

    ASSUMED: what the service does with one input and several sources, or with a name for the only one, is not
    documented. It may pass the samples themselves, or an object with them under a name, as in data fusion.
    """
    return asked.datasource or (str(place) if sources > 1 else "")


def can_name_file(output: str) -> bool:
    """Whether files may be called by the id of this output: the folder of a delivery is never left."""
    return len(output) <= _LONGEST_NAME and _FILE_NAME.fullmatch(output) is not None


class FailureKind(StrEnum):
    """Where a script failed."""

    SYNTAX = "syntax"
    SETUP = "setup"
    RUNTIME = "runtime"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASH = "crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFailure:
    """Why a script could not be run; `line` and `column` count from 1 inside the script, 0 when unknown."""

    kind: FailureKind
    message: str
    line: int = 0
    column: int = 0


# --- the rehearsal: a dry run over a few synthetic pixels ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One datasource on the stage. `name` is its key in `samples`, empty without fusion; `start` and `end` are the
    request's time range; `values` are likely pixels, the first two ordinary ones, with one number per band; `large` is
    a pixel with values as large as there may be.

    `known` is false when it is unknown what the bands hold, so that the values are made up. `blank` is the value of a
    band without data: 0, or None for NaN. `always`: every pixel has data (a terrain model). `ascending`: the oldest
    scene comes first. `bounds`: tiles carry their outline. `also` is a second name of an only source.
    """

    name: str
    type: str
    mode: Mosaicking
    bands: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    large: tuple[float, ...]
    known: bool = True
    start: str = ""
    end: str = ""
    blank: float | None = 0.0
    always: bool = False
    ascending: bool = False
    bounds: bool = False
    also: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The input of a rehearsal. Only outputs whose id is `delivered` have to be returned: others may be left out."""

    sources: tuple[Source, ...]
    outputs: tuple[ScriptOutput, ...]
    delivered: tuple[str, ...]
    fusion: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalFailure:
    """One trial that failed: `step` is the script's function, `situation` the scenes there were (`several`, `one`,
    `none`, `without <datasource>`), `kind` the pixel (`data`, `other`, `empty`, `zero`, `large`, or the number of a row
    of `Source.values`; empty: no sample).

    `thrown` is false for an unusable return value. `by_engine` is false for an exception that the script raised
    itself. `line` and `column` count from 1 inside the script, 0 when unknown.
    """

    step: str
    situation: str
    kind: str
    message: str
    line: int = 0
    column: int = 0
    thrown: bool = True
    by_engine: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """The result of a dry run. `trials` counts them by step, `failed` lists those that failed.

    `read` holds the bands that were read, `missing` what was read of a sample but does not exist, as (datasource,
    name). `answers` has what evaluatePixel returned, by kind of pixel and output id; None for a value that is not a
    finite number. `resized` has the numbers of bands that updateOutput left of each output. `kept` counts the scenes
    preProcessScenes keeps of one a day, and of one in three days; `filtered` what an older script's filterScenes would
    keep, of how many.

    `nested` is the first value that is itself an array, as (output, position). `unsteady`: the answer for a pixel
    depends on the pixels before it. `unknown_keys` of what setup() returns, as (place, key): the place is "", `input`
    or `output`.
    """

    trials: Mapping[str, int]
    failed: Mapping[str, int]
    failures: tuple[RehearsalFailure, ...] = ()
    read: frozenset[tuple[str, str]] = frozenset()
    missing: frozenset[tuple[str, str]] = frozenset()
    globals: frozenset[str] = frozenset()
    answers: Mapping[str, Mapping[str, tuple[float | None, ...]]]
    resized: Mapping[str, frozenset[int]] = field(default_factory=dict)
    kept: tuple[int, int] | None = None
    filtered: tuple[int, int] | None = None
    nested: tuple[str, int] | None = None
    unsteady: bool = False
    scenes_as_array: bool = False
    unknown_keys: tuple[tuple[str, str], ...] = ()
