"""The money rules of a set: its trial, the first yes of one without an end, and the limit of a window (DESIGN §13).

Pure. `reconcile/sets/rules` keeps one ruling for each set current; decisions and the guard read it. What an operator
agrees to is a set's recipe, so that later windows and tiles of it need no further yes.
"""

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from controller.limits.budget import hash_of
from controller.limits.guard import Batch, Due
from controller.model.job import SetCell
from controller.model.job_set import JobSet
from controller.model.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRuling:
    """What holds the cells of one set now.

    `tried` are the recipes that a trial stands before, and `first` the cells that go first; with `is_trying` the others
    wait for them, of which `failed` did not succeed. Cells of `unagreed` recipes need a yes. `over` are the windows
    whose cells may need more than `per_window`, with how much; None: that has no upper end. Amounts are in PU.
    """

    name: str
    trial: int = 0
    tried: frozenset[str] = frozenset()
    first: frozenset[str] = frozenset()
    is_trying: bool = False
    failed: str = ""
    recipes: frozenset[str] = frozenset()
    unagreed: frozenset[str] = frozenset()
    is_endless: bool = False
    monthly: float | None = None
    full_at: datetime | None = None
    per_window: float = 0.0
    over: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def has_tried(self) -> bool:
        """Whether a trial succeeded, and only the yes is missing."""
        return bool(self.tried) and not self.is_trying

    def hold_reason(self, name: str, cell: SetCell) -> Reason | None:
        """Why nothing is paid for this cell, whatever the guard would say; None: nothing of the set holds it."""
        if cell.window in self.over:
            return Reason.WINDOW_LIMIT
        is_held = self.is_trying and cell.recipe in self.tried and name not in self.first
        return Reason.TRIAL if is_held else None

    def needs_yes(self, name: str, cell: SetCell) -> bool:
        """Whether it is only paid for once an operator has agreed to the set; the cells of a trial need no yes."""
        return cell.recipe in self.unagreed and name not in self.first

    def yes_labels(self) -> list[str]:
        """What an operator's yes accepts for all that follows; while a trial runs, not what waits for it."""
        agreed = self.recipes - self.tried if self.is_trying else self.recipes
        return [yes_label(self.name, recipe, is_endless=self.is_endless) for recipe in sorted(agreed)]


def yes_label(set_name: str, recipe: str, *, is_endless: bool) -> str:
    """Under what the yes to a recipe is remembered: one to a set that ends says nothing about one that does not."""
    return hash_of([f"{'endless set' if is_endless else 'set'} {set_name} {recipe}"])


class Everything:
    """Contains every hash: whatever an operator could be asked for counts as accepted."""

    def __contains__(self, _label: object) -> bool:
        return True


def labels_of(found: JobSet) -> list[str]:
    """What is accepted once this set was agreed to; nothing of a set that needs no yes."""
    if not found.is_endless and not found.trial:
        return []
    return [yes_label(found.name, recipe, is_endless=found.is_endless) for recipe in sorted(found.recipes)]


def rule_on_set(
    found: JobSet, accepted: Container[str], succeeded: Callable[[str], int], failed: Collection[str],
    recipe_of: Callable[[str], str | None], has_run: Callable[[str], bool],
) -> SetRuling:  # fmt: skip
    """The ruling on a set.

    `accepted` are all hashes that were accepted, `succeeded` counts its cells of a recipe that are Succeeded, `failed`
    names cells that ended otherwise, `recipe_of` is the recipe of a cell, and `has_run` says whether one that asks for
    what this cell asks for was submitted.
    """

    def is_agreed(recipe: str, *, is_endless: bool) -> bool:
        return yes_label(found.name, recipe, is_endless=is_endless) in accepted

    without_end = {recipe for recipe in found.recipes if not is_agreed(recipe, is_endless=True)}
    untried = {recipe for recipe in without_end if not is_agreed(recipe, is_endless=False)}
    tried = frozenset(untried if found.trial else ())
    first = _first(found, [name for name in found.cells if recipe_of(name) in tried] if tried else [], has_run)
    is_trying = sum(map(succeeded, tried)) < len(first)
    return SetRuling(
        name=found.name,
        trial=found.trial or 0,
        tried=tried,
        first=first if is_trying else frozenset(filter(has_run, first)),
        is_trying=is_trying,
        failed=next((name for name in failed if name in first), ""),
        recipes=found.recipes,
        unagreed=frozenset(without_end) if found.is_endless else tried,
        is_endless=found.is_endless,
        monthly=found.monthly.upper if found.monthly else None,
        full_at=found.full_at,
        per_window=found.per_window or 0.0,
        over=_over(found),
    )


def _first(found: JobSet, tried: Iterable[str], has_run: Callable[[str], bool]) -> frozenset[str]:
    """The cells of the trial, of those that are tried: the first ones in the order of the axes.

    What has a run goes before what would be paid for anew: a cell that comes later may sort in front of all of them.
    """
    order = sorted(tried, key=lambda name: not has_run(name))
    return frozenset(order[: found.trial])


def _over(found: JobSet) -> dict[str, float | None]:
    most = found.per_window
    if most is None:
        return {}
    return {key: cost.upper for key, cost in found.windows.items() if cost.upper is None or cost.upper > most}


def batch_of_set(due: Collection[Due], ruling: SetRuling) -> Batch:
    """All cells of a set that need a yes, as one batch; its hash also says for which set, and whether that ends."""
    return Batch(
        hash=_hash_of_yes(ruling.name, due, is_endless=ruling.is_endless),
        jobs=len(due),
        units=sum(each.units for each in due),
        cause=_why_asked(ruling),
    )


def is_yes_of(set_name: str, label: str, due: Collection[Due]) -> bool:
    """Whether this is the hash of such a batch of exactly these cells, with an end or without."""
    return label in [_hash_of_yes(set_name, due, is_endless=is_endless) for is_endless in (False, True)]


def _hash_of_yes(set_name: str, due: Iterable[Due], *, is_endless: bool) -> str:
    kind = "endless set" if is_endless else "set"
    return hash_of([f"{kind} {set_name}", *(f"{each.key} {each.units:.4f}" for each in due)])


def cause_in_set(cause: str, ruling: SetRuling) -> str:
    """The cause of a change as the guard names it: `new in the set ndvi-alps, about 31.00 PU a month`."""
    monthly = "" if ruling.monthly is None else f", about {ruling.monthly:,.2f} PU a month"
    return f"{cause} in the set {ruling.name}{monthly}"


def yes_words(batch: Batch, ruling: SetRuling) -> str:
    """What a yes to this batch means, and how it is given."""
    others = "other " if ruling.has_tried else ""
    cells = f"{batch.jobs:,} {others}cell{'' if batch.jobs == 1 else 's'}"
    following = ", and later windows need no other, unless one is a large change by itself" if ruling.is_endless else ""
    following += _full_words(ruling)
    return (
        f"{batch.cause}; now {cells}, up to {batch.units:,.2f} PU, need a yes: `shjobs plan` shows them, and "
        f"`shjobs accept {batch.hash}`, or a committed Approval of it, is that yes{following}"
    )


def _full_words(ruling: SetRuling) -> str:
    if ruling.full_at is None:
        return ""
    return f"; about {ruling.full_at:%Y-%m} it has too many cells for a set, and stops until it has a later `from`"


def held_words(reason: Reason, ruling: SetRuling, window: str) -> str:
    """Why a cell is held by its set, and what lets it go."""
    if reason is Reason.WINDOW_LIMIT:
        return _window_words(ruling, window)
    many = "first cell" if len(ruling.first) == 1 else f"first {len(ruling.first):,} cells"
    words = f"the {many} of the set {ruling.name} go{'es' if len(ruling.first) == 1 else ''} first (trial)"
    if ruling.failed:
        return (
            f"{words}, and {ruling.failed} did not succeed: `shjobs why {ruling.failed}` says why; mend the template, "
            "raise its rerun, or choose another trial"
        )
    return f"{words}; when that succeeded, the others are shown for a yes"


def _window_words(ruling: SetRuling, window: str) -> str:
    needed = ruling.over.get(window)
    amount = f"up to {needed:,.2f} PU" if needed is not None else "processing units without an upper end"
    mend = (
        f"write perWindow: {_rounded_up(needed)} to pay for all of them, or make the cells cheaper"
        if needed is not None
        else "write spec.template.maxProcessingUnits, the most that a cell may cost"
    )
    cells = f"the cells of {window}" if window else "the cells"
    return f"{cells} may need {amount}, above limits.perWindow of {ruling.per_window:g} in {ruling.name}; {mend}"


def _why_asked(ruling: SetRuling) -> str:
    monthly = "" if ruling.monthly is None else f": about {ruling.monthly:,.2f} PU a month"
    if not ruling.is_endless:
        return f"the trial of {ruling.name} succeeded"
    if ruling.has_tried:
        return f"the trial of {ruling.name} succeeded, and it goes on for ever{monthly}"
    return f"{ruling.name} goes on for ever{monthly}"


def _rounded_up(units: float) -> int:
    return int(-(-units // 1))
