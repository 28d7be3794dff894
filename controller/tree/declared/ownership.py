"""Which document declares which job: resolves names between documents, so that moving a file keeps the job.

Pure. Of two documents with the same name the recorded one keeps it and the newcomer is rejected; an unreadable
document removes nothing (DESIGN §4).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.analysis.ignores import Ignore
from controller.model.errors import Problem
from controller.model.job import Job, Wanted, cause_of

Place = tuple[str, int]
Key = tuple[str, int, str]

TWO_JOBS = "E194"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One document of a manifest file: the job it names, if it could be read that far, and its problems.

    `line` and `column` are those of the name. `warnings` block nothing; `used` and `idle` are the comments that
    silenced some of them, or had nothing to silence. A document that was not read in this process has none of these.
    `set_name` is that of the set that is declared, or that declares this job as one of its cells.
    """

    path: str
    index: int
    name: str | None
    line: int = 1
    column: int = 1
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    used: tuple[Ignore, ...] = ()
    idle: tuple[Ignore, ...] = ()
    set_name: str = ""

    @property
    def is_set(self) -> bool:
        """Whether it is a set, and no job."""
        return self.name is None and bool(self.set_name)

    @property
    def is_unnamed(self) -> bool:
        """Whether it may declare a job, or jobs, of which nothing could be read."""
        return self.name is None and not (self.set_name and not self.problems)

    @property
    def key(self) -> Key:
        """Identifies it: the cells of a set are one document."""
        return (*self.place, self.name or "" if self.set_name else "")

    @property
    def place(self) -> Place:
        return self.path, self.index

    @property
    def accepted(self) -> bool:
        return self.name is not None and not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The outcome for a set of names: their owners, the removed ones, and the documents rejected as duplicates."""

    owners: dict[str, Declared] = field(default_factory=dict)
    stuck: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    rejected: tuple[Declared, ...] = ()


def settle_names(
    names: Iterable[str], recorded: Mapping[str, Place], files: Mapping[str, Sequence[Declared]],
    claimants: Mapping[str, Sequence[Declared]],
) -> Settlement:  # fmt: skip
    """Settle `names`; `recorded` is each job's current place, `files` every document by path, `claimants` by name."""
    owners: dict[str, Declared] = {}
    stuck: dict[str, tuple[Problem, ...]] = {}
    removed: list[str] = []
    rejected: list[Declared] = []
    for name in names:
        claims = sorted(claimants.get(name, ()), key=lambda item: item.place)
        place = recorded.get(name)
        owner = _owner(claims, place, files.get(place[0], ()) if place else ())
        if owner and owner.accepted:
            owners[name] = owner
        elif place is not None and (problems := _what_is_wrong(owner, files.get(place[0], ()))):
            stuck[name] = problems
        elif place is not None:
            removed.append(name)
        home = owner.path if owner else place[0] if place else ""
        rejected += [_too_late(item, home) for item in claims if item is not owner]
        rejected += [owner] if owner and not owner.accepted and name not in stuck else []
    return Settlement(owners=owners, stuck=stuck, removed=tuple(removed), rejected=tuple(rejected))


def hidden(jobs: Mapping[str, Job], folders: Mapping[str, Problem]) -> dict[str, tuple[Problem, ...]]:
    """The jobs in folders (`""`, `a/`) that cannot be read now, with the problem: settled once these are readable."""
    return {
        name: tuple(problem for folder, problem in folders.items() if job.path.startswith(folder))
        for name, job in (jobs.items() if folders else ())
        if job.wanted is not None and job.path.startswith(tuple(folders))
    }


def taken_over(job: Job | None, owner: Declared, wanted: Wanted | None) -> Job:
    """The job as its owner declares it; a new digest increments the generation, the same request keeps the revision."""
    name, before = owner.name or "", job.wanted if job else None
    if wanted is not None:
        kept = "" if before is None or is_other_request(before, wanted) else before.revision
        wanted = replace(wanted, cause=cause_of(before, wanted), revision=kept)
    if job is None:
        return Job(name=name, path=owner.path, index=owner.index, generation=1, wanted=wanted)
    wanted = wanted or before
    same = before is not None and wanted is not None and before.digest == wanted.digest
    generation = job.generation if same else job.generation + 1
    return replace(job, path=owner.path, index=owner.index, generation=generation, wanted=wanted, problems=())


def is_other_request(before: Wanted | None, wanted: Wanted) -> bool:
    """Whether it may be paid for, although what was wanted before was: another digest, or a raised `rerun`."""
    return before is None or before.digest != wanted.digest or wanted.declared_rerun > before.declared_rerun


def _owner(claims: Sequence[Declared], place: Place | None, recorded: Sequence[Declared]) -> Declared | None:
    """The document at the recorded place, else one in the recorded file, else the first acceptable one.

    None while `recorded`, the documents of the recorded file, include one whose name is unreadable: it may be this job.
    """
    if place is not None:
        here = [item for item in claims if item.path == place[0]]
        if here:
            return next((item for item in here if item.place == place), here[0])
        if any(item.is_unnamed for item in recorded):
            return None
    return next((item for item in claims if item.accepted), claims[0] if claims else None)


def _what_is_wrong(owner: Declared | None, documents: Sequence[Declared]) -> tuple[Problem, ...]:
    """Why a recorded job cannot be read: its own document's problems, or those of an unnamed one in the same file."""
    if owner is not None:
        return owner.problems
    return tuple(problem for item in documents if item.is_unnamed for problem in item.problems)


def _too_late(item: Declared, home: str) -> Declared:
    message = f"the job {item.name!r} is already declared in {home}; give this one another name"
    problem = Problem(
        path=item.path, line=item.line, column=item.column, field="metadata.name", message=message, code=TWO_JOBS
    )
    return replace(item, problems=(*item.problems, problem))
