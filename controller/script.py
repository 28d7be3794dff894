"""What an evalscript says about itself: the facts that pricing, checking and the sandbox work with.

Produced by `controller.evalscript`, which runs the script in the real engine; read everywhere else.
Source of the meanings: reference page "Evalscript V3" §2 (`setup()`).
"""

from dataclasses import dataclass
from enum import StrEnum


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
    """What `setup()` answered, and which of the known functions the script defines."""

    inputs: tuple[ScriptInput, ...]
    outputs: tuple[ScriptOutput, ...]
    mosaicking: Mosaicking
    functions: frozenset[str]


class FailureKind(StrEnum):
    """Where a script came to grief."""

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
