"""The result of appraising one document: created by `analysis`, read by the tree and `check`, without the rules."""

from dataclasses import dataclass

from controller.model.errors import Problem
from controller.model.job import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraisal:
    """What a document wants, None when appraisal rejects it; `problems` say why, `warnings` do not block it."""

    wanted: Wanted | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    awaits: str = ""
    """Key of the pending question about its script; "" when there is none."""
