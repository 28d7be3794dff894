"""Lists of jobs by page, and how many there are in each phase, for who shows a hundred thousand of them.

Everything is filtered, sorted and counted by SQLite, in an index that holds all that it takes; only the rows of a page
are read whole. A phase is the one last reported. Cells of sets are jobs; a document that was never accepted is a row
without a job, also where it has the name of a job that another document declares.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.ledger.labels import has_labels, labels_in
from controller.ledger.reads.order import Position, Urgency, by_urgency, phase_of
from controller.ledger.reads.reader import REJECTED, Reader
from controller.ledger.reads.rejected import LINES, line_in_force
from controller.ledger.rows.cells import CANNOT_BE_READ, parse_stored_time
from controller.ledger.rows.jobs import job_of
from controller.ledger.rows.submissions import COLUMNS, submission_of
from controller.lifecycle.attempts import in_force
from controller.model.job import Job
from controller.model.job_set import SET_LABEL, set_reference
from controller.model.reasons import Phase, Reason
from controller.model.submission import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which jobs are meant: all of it must fit; what is empty fits everything."""

    phases: Collection[Phase] = ()
    reasons: Collection[str] = ()
    labels: Sequence[str] = ()
    """Each `LABEL` or `LABEL=VALUE`, as for `get -l`."""
    set_name: str = ""
    text: str = ""
    """Part of the name, in any case."""

    @property
    def selector(self) -> list[str]:
        """The labels that a job must have."""
        return [*self.labels, *([f"{SET_LABEL}={self.set_name}"] if self.set_name else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job as last reported, or a document that was never accepted: then `job` is None, and `name` may be empty."""

    name: str
    path: str
    reason: str
    """"" when nothing was reported yet."""
    message: str
    changed_at: datetime | None
    """When this was reported; None: not known."""
    position: Position
    labels: Mapping[str, str]
    job: Job | None = None
    submission: Submission | None = None
    """The one in force; of a removed job the latest."""
    rejected: str = ""
    """Why the manifest as it is now is not accepted, while an earlier form of it is in force."""

    @property
    def phase(self) -> Phase:
        return phase_of(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobList:
    """A page of a list, with the numbers of all that fit."""

    rows: tuple[Row, ...]
    total: int
    phases: Mapping[Phase, int]
    """How many there are in each phase, whatever phases the filter names."""
    reasons: Mapping[str, int]
    """The same by reason."""
    next: Position | None
    """What the next page comes after; None: this is the last."""


def list_jobs(
    reader: Reader, wanted: Filter, size: int = 50, after: Position | None = None,
    counts: Mapping[str, int] | None = None,
) -> JobList:  # fmt: skip
    """The rows that follow a position, or the first ones. Raises `StateError` when the ledger cannot be read.

    `counts` are those of `reason_counts` for this filter, where they are known.
    """
    reasons = reason_counts(reader, wanted) if counts is None else counts
    meant = {word: number for word, number in reasons.items() if not wanted.reasons or word in wanted.reasons}
    found: list[_Place] = []
    for urgency, words in by_urgency(meant, wanted.phases).items():
        if words and len(found) <= size and (after is None or after.urgency <= urgency):
            within = after if after and after.urgency == urgency else None
            found += _places(reader, wanted, urgency, words, size + 1 - len(found), within)
    phases = _phases(reasons)
    return JobList(
        rows=tuple(_rows(reader, found[:size])),
        total=sum(number for phase, number in _phases(meant).items() if not wanted.phases or phase in wanted.phases),
        phases=phases,
        reasons=reasons,
        next=found[size - 1].position if len(found) > size else None,
    )


def reason_counts(reader: Reader, wanted: Filter) -> Mapping[str, int]:
    """How many jobs there are with each reason, whatever phases the filter names."""
    where, arguments = filter_condition(wanted)
    counted = reader.rows(f"select reason, count(*) number from job where {where} group by reason", arguments)
    found = {str(row["reason"]): int(row["number"]) for row in counted}
    where, arguments = _fits_document(wanted)
    for row in reader.rows(f"{LINES} select count(*) number from document where {where}", arguments):
        found[Reason.REJECTED] = found.get(Reason.REJECTED, 0) + int(row["number"])
    return {word: number for word, number in found.items() if number}


def _phases(reasons: Mapping[str, int]) -> Mapping[Phase, int]:
    found: Counter[Phase] = Counter()
    for word, number in reasons.items():
        found[phase_of(word)] += number
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the row of a page is, and what is known of it already."""

    position: Position
    name: str
    document: Mapping[str, Any] | None = None


def _places(
    reader: Reader, wanted: Filter, urgency: Urgency, words: Iterable[str], most: int, after: Position | None
) -> list[_Place]:  # fmt: skip
    """The next of one urgency, `most` of them at most: each reason is read in the order of its index."""
    found = [each for word in words for each in _jobs_at(reader, wanted, urgency, word, most, after)]
    if urgency is Urgency.NEEDS_OPERATOR and Reason.REJECTED in words:
        found += _documents_at(reader, wanted, most, after)
    found.sort(key=lambda each: each.position.key)
    found.sort(key=lambda each: each.position.changed_at, reverse=True)
    return found[:most]


def _jobs_at(
    reader: Reader, wanted: Filter, urgency: Urgency, word: str, most: int, after: Position | None
) -> Iterator[_Place]:  # fmt: skip
    where, arguments = filter_condition(wanted)
    if after:
        where += " and changed_at <= ? and (changed_at < ? or name > ?)"
        arguments += [after.changed_at, after.changed_at, after.key]
    sql = f"select name, changed_at from job where reason = ? and {where} order by changed_at desc, name limit ?"
    for row in reader.rows(sql, [word, *arguments, most]):
        position = Position(urgency=urgency, changed_at=str(row["changed_at"]), key=str(row["name"]))
        yield _Place(position, str(row["name"]))


def _documents_at(reader: Reader, wanted: Filter, most: int, after: Position | None) -> Iterator[_Place]:
    where, arguments = _fits_document(wanted)
    if after and not after.changed_at:
        where += " and key > ?"
        arguments.append(after.key)
    for row in reader.rows(f"{LINES} select * from document where {where} order by key limit ?", [*arguments, most]):
        yield _Place(Position(urgency=Urgency.NEEDS_OPERATOR, changed_at="", key=str(row["key"])), row["name"], row)


def filter_condition(wanted: Filter) -> tuple[str, list[object]]:
    """The condition for a row of `job`, with its arguments, but for the phases."""
    where, arguments = has_labels(wanted.selector)
    if wanted.text:
        where += " and instr(name, ?) > 0"
    return where, [*arguments, *([wanted.text.lower()] if wanted.text else [])]


def _fits_document(wanted: Filter) -> tuple[str, list[object]]:
    """The same for a document without a job: it has no labels, but may be that of a set."""
    if wanted.labels:
        return "false", []
    named = [("name = ?", set_reference(wanted.set_name))] if wanted.set_name else []
    named += [("instr(lower(name), ?) > 0", wanted.text.lower())] if wanted.text else []
    return " and ".join(["true", *(condition for condition, _ in named)]), [argument for _, argument in named]


def _rows(reader: Reader, places: Sequence[_Place]) -> Iterator[Row]:
    names = [each.name for each in places if each.document is None]
    among = f"({', '.join('?' * len(names))})"
    sql = (
        "select name, path, position, generation, wanted, told, reason, changed_at, labels, "
        f"(select value from meta where key = '{REJECTED}' || path) rejected "
        f"from job left join label_group on number = label_group where name in {among}"
    )
    jobs = {str(row["name"]): row for row in reader.rows(sql, names)}
    paid: dict[str, list[Submission]] = {}
    for row in reader.rows(
        f"select {', '.join(COLUMNS)} from submission where job in {among} order by job, number", names
    ):
        paid.setdefault(str(row["job"]), []).append(submission_of(row)[0])
    for each in places:
        if each.document is not None:
            yield _document_row(each.position, each.document)
        elif each.name in jobs:
            yield _job_row(each.position, jobs[each.name], paid.get(each.name, []))


def _document_row(position: Position, found: Mapping[str, Any]) -> Row:
    return Row(
        name=found["name"], path=found["path"], reason=Reason.REJECTED, message=found["message"], changed_at=None,
        position=position, labels={},
    )  # fmt: skip


def _job_row(position: Position, found: Mapping[str, Any], paid: Sequence[Submission]) -> Row:
    job = job_of(found)[0]
    return Row(
        name=job.name,
        path=job.path,
        reason=str(found["reason"]),
        message=str(found["told"]).partition(": ")[2],
        changed_at=_time_of(found["changed_at"]),
        position=position,
        labels=labels_in(found["labels"]),
        job=job,
        submission=in_force(job.wanted, paid) if job.wanted else next(reversed(paid), None),
        rejected=line_in_force(job.name, found["rejected"]),
    )


def _time_of(text: object) -> datetime | None:
    try:
        return parse_stored_time(str(text)) if text else None
    except CANNOT_BE_READ:
        return None
