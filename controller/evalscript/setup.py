"""What `setup()` returned, in any of its forms, as ScriptFacts; all errors are reported at once.

Called by `engine` with the JSON the child took from the script. Forms: reference page "Evalscript V3" §2.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from controller.model.errors import truncate
from controller.model.script import (
    FailureKind,
    Mosaicking,
    SampleType,
    ScriptFacts,
    ScriptFailure,
    ScriptInput,
    ScriptOutput,
)

Choice = TypeVar("Choice", bound=StrEnum)
MOST_ELEMENTS = 1_000  # of a list that setup() returns
MOST_REPORTED = 10  # mistakes


def script_facts(answer: object, functions: Iterable[str]) -> ScriptFacts | ScriptFailure:
    """Facts from the parsed return value of setup() and the names of the functions the script defines."""
    reading = _Reading()
    facts = reading.facts(answer, frozenset(functions))
    if facts is None or reading.mistakes:
        return ScriptFailure(kind=FailureKind.SETUP, message="; ".join(reading.mistakes[:MOST_REPORTED]))
    return facts


def positive_integer(value: object) -> int | None:
    """The value as a number of components, None when it is not one."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None


def shown_value(value: Any) -> str:
    """A value of the script for a message, cut short."""
    return "missing" if value is None else truncate(json.dumps(value, ensure_ascii=False), 80)


class _Reading:
    """Reads one return value and records each error with what to write instead."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def facts(self, answer: object, functions: frozenset[str]) -> ScriptFacts | None:
        if not isinstance(answer, dict):
            self._wrong("setup() must return an object with `input` and `output`")
            return None
        mosaicking = self._choice(answer.get("mosaicking"), Mosaicking.SIMPLE, "mosaicking")
        inputs = tuple(self._inputs(answer.get("input"), mosaicking))
        outputs = tuple(self._outputs(answer.get("output")))
        return ScriptFacts(inputs=inputs, outputs=outputs, mosaicking=mosaicking, functions=functions)

    def _wrong(self, sentence: str) -> None:
        self.mistakes.append(sentence)

    def _inputs(self, given: object, mosaicking: Mosaicking) -> list[ScriptInput]:
        elements = [given] if isinstance(given, dict) else given
        if not isinstance(elements, list):
            self._wrong('setup().input must be an array of band names, or of objects such as {bands: ["B04", "B08"]}')
            return []
        if self._is_too_long(elements, "input"):
            return []
        if all(isinstance(element, str) for element in elements):
            return [ScriptInput(bands=tuple(elements), mosaicking=mosaicking)]
        return [self._input(element, f"input[{number}]", mosaicking) for number, element in enumerate(elements)]

    def _input(self, given: object, where: str, mosaicking: Mosaicking) -> ScriptInput:
        if not isinstance(given, dict):
            self._wrong(f"setup().{where} is {shown_value(given)}; all elements must be band names, or all be objects")
            return ScriptInput(bands=())
        bands = self._strings(given.get("bands"), f"{where}.bands", 'an array of band names such as ["B04", "B08"]')
        return ScriptInput(
            bands=bands,
            units=self._units(given.get("units"), len(bands), f"{where}.units"),
            datasource=self._text(given.get("datasource"), f"{where}.datasource"),
            mosaicking=self._choice(given.get("mosaicking"), mosaicking, f"{where}.mosaicking"),
            metadata=self._strings(given.get("metadata", []), f"{where}.metadata", 'an array such as ["bounds"]'),
        )

    def _units(self, given: object, bands: int, where: str) -> tuple[str, ...]:
        if given is None:
            return ()
        wanted = 'one unit such as "DN", or an array with one unit for each band'
        units = (given,) if isinstance(given, str) else self._strings(given, where, wanted)
        if "" in units:
            self._wrong(f"setup().{where} is {shown_value(given)}; write {wanted}, or leave it out")
        if isinstance(given, list) and len(given) != bands:
            self._wrong(f"setup().{where} lists {len(given)} units for {bands} bands; write one unit, or one per band")
        return units

    def _outputs(self, given: object) -> list[ScriptOutput]:
        elements = [given] if isinstance(given, dict) else given
        if not isinstance(elements, list):
            self._wrong("setup().output must be an object such as {bands: 3}, or an array of them")
            return []
        if self._is_too_long(elements, "output"):
            return []
        outputs = [self._output(element, f"output[{number}]") for number, element in enumerate(elements)]
        ids = Counter(output.id for output in outputs)
        for repeated in sorted(name for name, count in ids.items() if count > 1):
            self._wrong(f'setup().output has the id "{repeated}" more than once; give each output an `id` of its own')
        return outputs

    def _output(self, given: object, where: str) -> ScriptOutput:
        if not isinstance(given, dict):
            self._wrong(f"setup().{where} is {shown_value(given)}; write an object such as {{bands: 3}}")
            given = {"bands": 1}
        return ScriptOutput(
            id=self._text(given.get("id"), f"{where}.id") or "default",
            bands=self._components(given.get("bands"), f"{where}.bands"),
            sample_type=self._choice(given.get("sampleType"), SampleType.AUTO, f"{where}.sampleType"),
            nodata=self._nodata(given.get("nodataValue"), f"{where}.nodataValue"),
        )

    def _components(self, given: object, where: str) -> int:
        bands = positive_integer(given)
        if bands is None:
            advice = "; lists of names belong to the Statistical API" if isinstance(given, list) else ""
            self._wrong(f"setup().{where} is {shown_value(given)}; write the number of components, 1 or more{advice}")
        return bands or 1

    def _nodata(self, given: object, where: str) -> float | None:
        if given is None:
            return None
        if isinstance(given, int | float) and not isinstance(given, bool):
            return float(given)
        if given in ("NaN", "Infinity", "-Infinity"):  # what the harness writes for numbers JSON cannot represent
            return math.nan if given == "NaN" else float(str(given))
        self._wrong(f"setup().{where} is {shown_value(given)}; write a number")
        return None

    def _choice(self, given: object, default: Choice, where: str) -> Choice:
        """An unknown constant such as Mosaicking.TILES is undefined and so the default, as in the service."""
        if given is None:
            return default
        known = [member.value for member in type(default)]
        if isinstance(given, str) and given in known:
            return type(default)(given)
        self._wrong(f"setup().{where} is {shown_value(given)}; write one of {', '.join(known)}")
        return default

    def _text(self, given: object, where: str) -> str | None:
        if given is None or (isinstance(given, str) and given):
            return given
        self._wrong(f"setup().{where} is {shown_value(given)}; write a name")
        return None

    def _is_too_long(self, given: Sequence[object], where: str) -> bool:
        is_too_long = len(given) > MOST_ELEMENTS
        if is_too_long:
            self._wrong(f"setup().{where} has {len(given):,} elements; write at most {MOST_ELEMENTS:,}")
        return is_too_long

    def _strings(self, given: object, where: str, wanted: str) -> tuple[str, ...]:
        if isinstance(given, list) and all(isinstance(element, str) for element in given):
            return () if self._is_too_long(given, where) else tuple(given)
        self._wrong(f"setup().{where} is {shown_value(given)}; write {wanted}")
        return ()
