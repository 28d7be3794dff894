"""The result of appraising one document: `analysis` makes it, the tree and `check` read it, without the rules."""

from dataclasses import dataclass

from controller.model.errors import Problem
from controller.model.job import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraisal:
    """What a document wants, None when a closer look rejects it; `problems` say why, `warnings` hinder nothing."""

    wanted: Wanted | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    awaits: str = ""
    """The question about its script that has no answer yet; "" when it is decided."""
