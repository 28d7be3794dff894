"""One job, as far as its rows can be read: a damaged one hides no other, and nothing grows with the other jobs."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain

from controller.ledger.reads.reader import REJECTED, Reader
from controller.ledger.rows.jobs import job_of
from controller.ledger.rows.submissions import COLUMNS, submission_of
from controller.model.errors import StateError
from controller.model.job import Job
from controller.model.submission import Submission

NEIGHBOURS = 50  # names before and after, among which those that were probably meant are sought


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleJob:
    """A job with its latest submissions, newest first; `older` counts those before them.

    `job` is None where the ledger has submissions of this name alone. `is_whole`: all of the rows can be read.
    `spent` is what all submissions cost, in processing units.
    """

    job: Job | None
    submissions: tuple[Submission, ...]
    older: int
    spent: float
    is_whole: bool


def single_job(reader: Reader, name: str, most: int) -> SingleJob | None:
    """The job with `most` of its submissions; None when the ledger has neither."""
    jobs = [job_of(row) for row in reader.rows(_JOB, [name])]
    found = [_readable(row) for row in reader.rows(_SUBMISSIONS, [name, most])]
    if not jobs and not found:
        return None
    [sums] = reader.rows(_SUMS, [name])
    return SingleJob(
        job=jobs[0][0] if jobs else None,
        submissions=tuple(each for each, _ in found if each),
        older=int(sums["number"]) - len(found),
        spent=float(sums["spent"] or 0.0),
        is_whole=all(is_whole for _, is_whole in chain(jobs, found)),
    )


def count_alike(reader: Reader, digest: str, most: int) -> int:
    """How many submissions and jobs there are with one request; counting ends at `most` of each."""
    jobs, submissions = (next(reader.rows(sql, [digest, most])) for sql in _ALIKE)
    return int(jobs["number"]) + int(submissions["number"])


def wanted_length(reader: Reader, name: str) -> int:
    """How many characters the request has that a job wants, as stored; 0 without one."""
    return max((int(row["length"] or 0) for row in reader.rows(_WANTED_LENGTH, [name])), default=0)


def sent_length(reader: Reader, number: int) -> int:
    """The same of the request that a submission sent."""
    return max((int(row["length"] or 0) for row in reader.rows(_SENT_LENGTH, [number])), default=0)


def rejected_as(reader: Reader, name: str, most: int) -> list[str]:
    """The files in which a document of this name was not accepted when they were last read, `most` at most."""
    rows = reader.rows(_REJECTED, [REJECTED, f"{REJECTED}\U0010ffff", f"\n{name}: ", most])
    return [str(row["key"]).removeprefix(REJECTED) for row in rows]


def near_names(reader: Reader, name: str) -> list[str]:
    """The jobs that were probably meant: the most similar of those that begin alike."""
    return get_close_matches(name, list(dict.fromkeys(_neighbours(reader, name))), n=3)


def _neighbours(reader: Reader, name: str) -> Iterator[str]:
    """The names around this one, and around its first letters, in the order of the names."""
    for start in dict.fromkeys((name, name[: len(name) // 2], name[:1])):
        for sql in (_FOLLOWING, _PRECEDING):
            yield from (str(row["name"]) for row in reader.rows(sql, [start, NEIGHBOURS]))


def _readable(row: dict[str, object]) -> tuple[Submission | None, bool]:
    try:
        return submission_of(row)
    except StateError:  # not even which one it is
        return None, False


_JOB = "select name, path, position, generation, wanted from job where name = ?"
_SUBMISSIONS = f"select {', '.join(COLUMNS)} from submission where job = ? order by number desc limit ?"
_SUMS = "select count(*) number, sum(spent_pu) spent from submission where job = ?"
_WANTED_LENGTH = "select length(body) length from job where name = ?"
_SENT_LENGTH = "select length(body) length from submission where number = ?"
_REJECTED = "select key from meta where key >= ? and key < ? and instr(char(10) || value, ?) > 0 limit ?"
_FOLLOWING = "select name from job where name >= ? and wanted is not null order by name limit ?"
_PRECEDING = "select name from job where name < ? and wanted is not null order by name desc limit ?"
_HAS_DIGEST = "case when typeof(wanted) = 'text' and json_valid(wanted) then json_extract(wanted, '$.digest') end = ?"
_ALIKE = (
    f"select count(*) number from (select 1 from job where {_HAS_DIGEST} limit ?)",
    "select count(*) number from (select 1 from submission where digest = ? limit ?)",
)
