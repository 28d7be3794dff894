"""What a hint may use, and where its finding is placed. Used by `hints`, `idioms` and `returned`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.analysis.source import SourceText
from controller.manifest.request import Request
from controller.model.errors import Finding
from controller.model.job import Estimate
from controller.model.script import Rehearsal, ScriptFacts, ScriptOutput, Stage
from controller.settings.deployments import DeploymentName


@dataclass(frozen=True, slots=True, kw_only=True)
class HintContext:
    """One script in its request: everything a hint may use."""

    request: Request
    facts: ScriptFacts
    stage: Stage
    rehearsal: Rehearsal
    source: SourceText
    deployment: DeploymentName
    estimate: Estimate | None

    @property
    def data(self) -> list[Any]:
        found: list[Any] = self.request.body["input"]["data"]
        return found

    @property
    def responses(self) -> list[Mapping[str, Any]]:
        return self.request.body["output"].get("responses") or [{}]

    def format_of(self, output: ScriptOutput) -> str:
        """The media type an output is delivered in; empty when it is not delivered."""
        for response in self.responses:
            if response.get("identifier", "default") == output.id:
                return str(response.get("format", {}).get("type", "image/png"))
        return ""


def found_at(source: SourceText, offset: int, code: str, message: str) -> Finding:
    """A finding at an offset of the text."""
    line, column = source.place(offset)
    return Finding(code=code, message=message, line=line, column=column)


def found_in_setup(source: SourceText, pattern: str, code: str, message: str) -> Finding:
    """A finding at the first match of the pattern in setup(), else at setup() itself."""
    setup = source.function("setup")
    inside = re.search(pattern, source.words[setup.start : setup.end]) if setup else None
    if setup and inside:
        return found_at(source, setup.start + inside.start(), code, message)
    outside = re.search(r"\bsetup\b", source.code)
    return found_at(source, outside.start() if outside else 0, code, message)


def thousands(units: float) -> str:
    """A number of processing units, formatted: 46 539."""
    return f"{units:,.0f}".replace(",", " ")
