"""What happens to sets in a history: declared, edited, renamed, broken, agreed to, and jobs move in and out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from controller.lifecycle.commands import Accept, Command, Retry, shown_run
from controller.lifecycle.shared import run_of_another
from controller.model.submission import Outcome
from tests.proofs.court import Court
from tests.proofs.drafts import RECIPES, Cells, Draft, Rules, turned
from tests.proofs.world import Machine, World

SETS = ("acre", "farm")
CELLS = ("acre-1", "acre-2", "farm-1", "farm-2")
"""Some of their cells: acre's go before the ordinary jobs b and c, farm's behind all of them."""
SIZES = (1, 2, 3, 4, 6)
TRIALS = (None, None, 1, 1, 2)
LIMITS = (None, None, 1000.0, 35.0, 12.0)
OWN_TEXTS = "EFGHAB"
"""Of cells 1, 2, … of a new set, with its plain recipe."""
JOBS, PATHS = ("a", "b", "c"), ("one.yaml", "two.yaml", "sets/acre.yaml", "sets/farm.yaml")
SET_STEPS: Mapping[str, tuple[int, tuple[Sequence[Any], ...]]] = {
    "declare_set": (6, (SETS, RECIPES, SIZES, TRIALS, (False, False, True), LIMITS)),
    "rule_set": (2, (SETS, TRIALS, (False, True), LIMITS)),
    "resize_set": (2, (SETS, SIZES, (False, True))),
    "change_recipe": (2, (SETS, RECIPES)),
    "rerun_set": (1, (SETS, (0, 1, 2), (0, 0, 1))),
    "rename_set": (1, (SETS, SETS)),
    "move_set": (1, (SETS, PATHS)),
    "break_set": (1, (SETS,)),
    "mend_set": (2, (SETS,)),
    "remove_set": (1, (SETS,)),
    "move_in": (3, (JOBS, SETS)),
    "move_out": (4, (SETS, JOBS)),
    "agree": (14, ((0, 0, 0, 1), (1, 1, 2, 5))),
    "retry": (5, ((0, 0, 1), (True, False))),
    "retry_again": (2, ((0, 1),)),
}
"""What may happen: how often, and every value of every argument."""
Change = Callable[[Draft, Cells], Draft]


class SetSteps:
    """The steps of a history that are about sets, and the retries; each method is one kind."""

    tree: dict[str, tuple[Draft, ...]]
    world: World
    court: Court
    _retry: Retry | None = None

    def declare_set(
        self, name: str, recipe: str, size: int, trial: int | None, is_endless: bool, per_window: float | None
    ) -> None:
        """A new set, instead of the one that has its name."""
        self.court.figures["sets_declared"] += 1
        cells = Cells(
            begins=self.world.now - timedelta(hours=1),
            texts=tuple(enumerate(OWN_TEXTS[:size], 1)),
            recipe=recipe,
            rules=Rules(trial=trial, is_endless=is_endless, per_window=per_window),
        )
        draft = Draft(job=name, cells=cells)
        if self._has(name):
            self._change_set(name, lambda _, __: draft)
        else:
            path = f"sets/{name}.yaml"
            self._commit({**self.tree, path: (*self.tree.get(path, ()), draft)})

    def rule_set(self, name: str, trial: int | None, is_endless: bool, per_window: float | None) -> None:
        """It says something else about money."""
        rules = Rules(trial=trial, is_endless=is_endless, per_window=per_window)
        self._change_set(name, lambda draft, cells: replace(draft, cells=replace(cells, rules=rules)))

    def resize_set(self, name: str, size: int, from_the_front: bool) -> None:
        """It has so many cells; what it loses, it loses from the back or from the front."""

        def resized(draft: Draft, cells: Cells) -> Draft:
            texts = {**dict(enumerate(OWN_TEXTS[:size], 1)), **dict(cells.texts)}
            order = sorted(texts.items())
            return replace(draft, cells=replace(cells, texts=tuple(order[-size:] if from_the_front else order[:size])))

        self._change_set(name, resized)

    def change_recipe(self, name: str, recipe: str) -> None:
        """Another script: every cell asks for something else."""
        self._change_set(name, lambda draft, cells: replace(draft, cells=replace(cells, recipe=recipe)))

    def rerun_set(self, name: str, number: int, retries: int) -> None:
        self._change_set(name, lambda draft, _: replace(draft, rerun=number, retries=retries))

    def rename_set(self, name: str, to: str) -> None:
        """The same cells under names that are free."""
        if not self._has(to):
            self._change_set(name, lambda draft, _: replace(draft, job=to))

    def move_set(self, name: str, path: str) -> None:
        self.move(name, path)

    def break_set(self, name: str) -> None:
        self._change_set(name, lambda draft, _: replace(draft, is_broken=True))

    def mend_set(self, name: str) -> None:
        self._change_set(name, lambda draft, _: replace(draft, is_broken=False))

    def remove_set(self, name: str) -> None:
        self._commit(self._without(name))

    def move_in(self, job: str, name: str) -> None:
        """The job's document goes, and a cell of the set asks for the same: its first one, or a new one at the end."""
        found = [draft for drafts in self.tree.values() for draft in drafts if draft.job == job and not draft.is_broken]
        if not found or not self._has(name):
            return

        def joined(draft: Draft, cells: Cells) -> Draft:
            text = turned(found[0].text, cells.recipe, back=True)
            number = cells.texts[-1][0] + 1
            return replace(draft, rerun=found[0].rerun, cells=replace(cells, texts=(*cells.texts, (number, text))))

        self.court.figures["moved_into_sets"] += 1
        self.tree = self._without(job)  # in the same commit
        self._change_set(name, joined)

    def move_out(self, name: str, job: str) -> None:
        """The last cell of the set goes, and an ordinary job asks for the same."""
        if self._has(job):
            return
        out: list[Draft] = []

        def left(draft: Draft, cells: Cells) -> Draft:
            if len(cells.texts) == 1:
                return draft
            out.append(replace(draft.jobs()[-1], job=job, cell=None))
            return replace(draft, cells=replace(cells, texts=cells.texts[:-1]))

        tree = self._changed_set(name, left)
        path = f"{job}.yaml"
        if out:
            self.court.figures["moved_out_of_sets"] += 1
            self._commit({**tree, path: (*tree.get(path, ()), *out[:1])})

    def agree(self, number: int, back: int) -> None:
        """A person says yes to what a set asked for not long ago."""
        for machine in self._machines(number):
            offered = self.court.sets.offered[id(machine.disk)]
            if machine.is_up and offered:
                self._say_yes(machine, offered[-min(back, len(offered))][0])

    def retry(self, number: int, unknown: bool) -> None:
        """Everything that did not succeed is to be paid for once more."""
        for machine in self._machines(number):
            runs = tuple(_failed(machine, unknown=unknown)) if machine.is_up else ()
            if runs:
                self._retry = Retry(runs=runs, unknown=unknown)
                self.court.figures["retries_by_a_person"] += 1
                self._name_runs(machine, self._retry)

    def retry_again(self, number: int) -> None:
        """The same command once more, which names runs that have moved on since."""
        for machine in self._machines(number):
            if self._retry and machine.is_up:
                self._name_runs(machine, self._retry)

    # parts of steps, some of them of the history

    def _name_runs(self, machine: Machine, retry: Retry) -> None:
        machine.disk.named.update(retry.runs)
        self._ask(machine, retry)

    def _say_yes(self, machine: Machine, label: str) -> None:
        self.court.sets.said_yes(machine.disk, label)
        self._ask(machine, Accept(hash=label))

    def _has(self, name: str) -> bool:
        return any(draft.job == name for drafts in self.tree.values() for draft in drafts)

    def _change_set(self, name: str, change: Change) -> None:
        if self._has(name):
            self._commit(self._changed_set(name, change))

    def _changed_set(self, name: str, change: Change) -> dict[str, tuple[Draft, ...]]:
        return {
            path: tuple(change(each, each.cells) if each.job == name and each.cells else each for each in drafts)
            for path, drafts in self.tree.items()
        }

    def move(self, job: str, path: str) -> None:
        raise NotImplementedError

    def _commit(self, tree: dict[str, tuple[Draft, ...]]) -> None:
        raise NotImplementedError

    def _without(self, job: str) -> dict[str, tuple[Draft, ...]]:
        raise NotImplementedError

    def _machines(self, number: int) -> Sequence[Machine]:
        raise NotImplementedError

    def _ask(self, machine: Machine, command: Command) -> None:
        raise NotImplementedError


def _failed(machine: Machine, *, unknown: bool) -> list[tuple[str, str]]:
    """The runs that jobs show and that did not succeed."""
    runs = []
    for name, job in machine.ledger.jobs.items():
        if job.wanted is None:
            continue
        wanted, known = job.wanted, machine.ledger.of(name)
        shown = shown_run(wanted, known, run_of_another(name, wanted, machine.ledger.peers))
        if shown is None or not (shown.is_refused or shown.outcome in (Outcome.FAILED, Outcome.UNKNOWN)):
            continue
        if unknown or shown.outcome is not Outcome.UNKNOWN:
            runs.append((name, shown.id))
    return runs
