"""Which jobs and sets a command is about: by name, by label, by phase. Called by `get` and `fetch`."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controller.lifecycle.conditions import is_of_set, phases_of
from controller.limits.selection import is_selected
from controller.model.errors import UsageError, no_such_jobs
from controller.model.job import Job
from controller.model.job_set import SET_LABEL, set_reference
from controller.operations.fetched import require_tree
from controller.operations.inspect.job_states import Document, event_subjects, events, job_states, labels
from controller.operations.inspect.named import names_of, states_named
from controller.settings.settings import Settings

Labels = dict[str, Mapping[str, str]]
"""By the name of a job, or the reference of a set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All of it must fit; what is empty fits everything. A label is `name` or `name=value`.

    With `cells` a set is its cells, as it is where the label `set` is asked for.
    """

    names: Sequence[str] = ()
    labels: Sequence[str] = ()
    phases: Sequence[str] = ()
    cells: bool = False

    @property
    def is_of_cells(self) -> bool:
        """Whether sets are shown as their cells."""
        return self.cells or any(each.partition("=")[0] == SET_LABEL for each in self.labels)


def selected(settings: Settings, wanted: Selection, now: datetime) -> list[Document]:
    """The status documents that fit. Raises `UsageError` for a name that no job, cell or set has."""
    if wanted.is_of_cells:
        found, known = _with_cells(settings, now)
    else:
        if wanted.names and not wanted.labels and (named := states_named(settings, wanted.names, now)) is not None:
            return [each for each in named if _fits(each, (), {}, replace(wanted, names=()))]
        if not wanted.names:
            return [*streamed(settings, wanted, now)]
        found, known = [*job_states(settings, now)], _known_labels(settings, wanted)
    jobs = {str(each.get("name")) for each in found if not is_of_set(each)}
    there = {name for each in found for name in names_of(each, jobs)}
    if missing := set(wanted.names) - there:
        found = [*found, *_not_reported(settings, missing, there, now)]
    return [each for each in found if _fits(each, jobs, known, wanted)]


def streamed(settings: Settings, wanted: Selection, now: datetime, early: int = 0) -> Iterator[Document]:
    """The same as they are read; with `early` see `job_states`."""
    if wanted.names or wanted.is_of_cells:
        return iter(selected(settings, wanted, now))
    found = job_states(settings, now, early, wanted.labels)
    return (each for each in found if not wanted.phases or not phases_of(each).isdisjoint(wanted.phases))


def by_name(settings: Settings, names: Sequence[str], now: datetime) -> dict[str, Document]:
    """The status document of each of these names. Raises `UsageError` for a name that no job, cell or set has."""
    found = selected(settings, Selection(names=names), now)
    jobs = {str(each.get("name")) for each in found if not is_of_set(each)}
    return {name: each for each in reversed(found) for name in names_of(each, jobs)}


def require_past(settings: Settings, names: Sequence[str], now: datetime) -> None:
    """Raise `UsageError` for a name that neither an event has, nor a job, cell or set as the next turn sees them."""
    if unknown := [name for name in names if not events(settings, event_subjects(settings, [name]), 1)]:
        require_tree(settings, or_jobs=True)
        selected(settings, Selection(names=unknown), now)


def _fits(document: Document, jobs: Container[str], known: Labels, wanted: Selection) -> bool:
    names = [*names_of(document, jobs)]
    if wanted.names and not any(name in wanted.names for name in names):
        return False
    if wanted.phases and phases_of(document).isdisjoint(wanted.phases):
        return False
    return is_selected(known.get(names[0], {}).items(), wanted.labels)


def _known_labels(settings: Settings, wanted: Selection) -> Labels:
    return _and_sets(labels(settings)) if wanted.labels else {}


def _and_sets(known: Mapping[str, Mapping[str, str]]) -> Labels:
    """The labels of jobs, and those of sets, which each of their cells has."""
    sets = {set_reference(each[SET_LABEL]): each for each in known.values() if SET_LABEL in each}
    return {**known, **sets}


def _with_cells(settings: Settings, now: datetime) -> tuple[list[Document], Labels]:
    """The status documents with those of cells in place of their sets', and the labels of every job."""
    from controller.operations.inspect.cells import documents_with_cells
    from controller.reconcile.wiring import turned_copy

    with turned_copy(settings, now) as assembly:
        jobs = assembly.ledger.jobs.values()
        return documents_with_cells(assembly, now), {job.name: dict(job.wanted.labels) for job in jobs if job.wanted}


def _not_reported(settings: Settings, names: set[str], there: set[str], now: datetime) -> list[Document]:
    """The status documents of single cells, and of what was taken in only just now, so that no report has it yet.

    Raises `UsageError` for a name that is neither.
    """
    from controller.operations.inspect.cells import cell_document
    from controller.reconcile.wiring import turned_copy

    with turned_copy(settings, now) as assembly:
        jobs = assembly.ledger.jobs
        cells = {name: cell for name in names if (cell := cell_document(assembly, name, now))}
        if not (left := names - cells.keys()):
            return [*cells.values()]
        every = [{**document, "path": path} for path, document in assembly.documents_by_path(now)]
        fresh = [each for each in every if not left.isdisjoint(names_of(each, jobs))]
        if missing := left - {name for each in fresh for name in names_of(each, jobs)}:
            raise _not_there(missing, there, jobs)
        return [*cells.values(), *fresh]


def _not_there(missing: set[str], there: set[str], jobs: Mapping[str, Job]) -> UsageError:
    """The error about names without a status document: of no job, or of jobs whose manifests were removed."""
    if unknown := missing - jobs.keys():
        return no_such_jobs(unknown, there | {job.name for job in jobs.values() if job.wanted})
    words = (f"{name} was removed; `shjobs describe {name}` shows its past" for name in sorted(missing))
    return UsageError("\n".join(words))
