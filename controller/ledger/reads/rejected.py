"""What is in the tree without effect, as the last scan recorded it: a line `name: problem` for each document of a file.

A line is that of a document without a job, which is listed as Invalid, or it says that the manifest of a job or set as
it is now is not accepted, while an earlier form of it stays in force.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.ledger.reads.reader import REJECTED, Reader
from controller.model.reasons import Reason

STAYS_IN_FORCE = "nothing is submitted until this is mended"
"""How a line ends whose job or set is in force in an earlier form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRejection:
    """One line. `name` is that of a job, `set/NAME` that of a set; "" when it is not known."""

    name: str
    path: str
    message: str


def rejected_changes(reader: Reader, most: int) -> tuple[int, list[RecordedRejection]]:
    """How many jobs and sets in force have a manifest that is not accepted as it is now, and the first of these."""
    return _count(reader, "change"), list(_first(reader, "change", most))


def rejection_sentence(reader: Reader) -> str:
    """One line about all that has no effect, as `/readyz` has it; "" without any."""
    first, number = next(_first(reader, "line", 1), None), _count(reader, "line")
    more = f" (and {number - 1:,} more without effect)" if number > 1 else ""
    return f"{first.message}{more}" if first else ""


def line_in_force(name: str, lines: object) -> str:
    """Why the manifest of a job in force is not accepted as it is now, from the lines of its file; "" where it is."""
    noted = (line.partition(": ") for line in str(lines or "").split("\n"))
    return next((said for each, _, said in noted if each == name and said.endswith(STAYS_IN_FORCE)), "")


def _count(reader: Reader, table: str) -> int:
    return sum(int(row["number"]) for row in reader.rows(f"{LINES} select count(*) number from {table}"))


def _first(reader: Reader, table: str, most: int) -> Iterator[RecordedRejection]:
    for row in reader.rows(f"{LINES} select name, path, message from {table} order by path, number limit ?", [most]):
        yield RecordedRejection(name=str(row["name"]), path=str(row["path"]), message=str(row["message"]))


_AS_JSON = r"""'[' || replace(replace(replace(json_quote(cast(meta.value as text)),
    '\\', char(10)), '\n', '","'), char(10), '\\') || ']'"""
"""The lines of a value as a JSON array, made in one pass. In JSON no line break is left, so that one can stand for the
backslashes of the text while its own line breaks become those between the strings.
"""
LINES = f"""
with text (path, number, line) as (
    select substr(meta.key, {len(REJECTED) + 1}), each.key, each.value
    from meta, json_each({_AS_JSON}) each
    where meta.key >= '{REJECTED}' and meta.key < '{REJECTED}' || char(1114111)
), line as (
    select path, number, substr(line, 1, instr(line, ': ') - 1) name, substr(line, instr(line, ': ') + 2) message
    from text
), judged as (
    select *, substr(message, -{len(STAYS_IN_FORCE)}) = '{STAYS_IN_FORCE}' and (name like 'set/%' or exists (
        select 1 from job where job.name = line.name and job.path = line.path and wanted is not null
    )) is_change
    from line
), change as (
    select * from judged
    where is_change and not exists (select 1 from job where job.name = judged.name and reason = '{Reason.REJECTED}')
), document as (
    select path, name, message, name || char(10) || path || char(10) || number key from judged where not is_change
)
"""
"""`document`: what is rejected and has no job of its own; `change`: what is rejected of a job or set in force, unless
its phase says so already.
"""
