"""What submissions amount to by day, month and label, added up by SQLite: for charts, and for who pays.

Days and months are UTC, by the time of the intent, as for the budget; amounts are processing units. The labels are
those of the job as last accepted: a label that is added today counts for what was paid before, and those of a removed
job stay. So the cells of a set are found by the label `set`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Self

from controller.ledger.labels import has_labels, labels_in
from controller.ledger.reads.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What some submissions amount to; those that were refused count for nothing.

    `spent` are actual costs, `reserved` is held for those whose cost is not known; `adopted` counts those found in the
    bucket: with any, a lost ledger may have held more.
    """

    submissions: int = 0
    spent: float = 0.0
    reserved: float = 0.0
    adopted: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            submissions=self.submissions + other.submissions,
            spent=self.spent + other.spent,
            reserved=self.reserved + other.reserved,
            adopted=self.adopted + other.adopted,
        )

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The sums in a row."""
        return cls(submissions=row["submissions"], spent=row["spent"], reserved=row["reserved"], adopted=row["adopted"])


def per_day(
    reader: Reader, first: date | None = None, last: date | None = None, labels: Sequence[str] = ()
) -> dict[str, Amount]:  # fmt: skip
    """The amount of each day that has any, as `2026-03-31`, in their order.

    From `first` to `last`, both included; of the jobs with these labels, as for `get -l`.
    """
    return {str(row["day"]): Amount.of(row) for row in _sums(reader, first, last, labels, "day")}


def per_month(days: Mapping[str, Amount]) -> dict[str, Amount]:
    """The amount of each month that has any, as `2026-03`."""
    found: dict[str, Amount] = {}
    for day, amount in days.items():
        found[day[:7]] = found.get(day[:7], Amount()) + amount
    return found


def per_label(
    reader: Reader, name: str, first: date | None = None, last: date | None = None, labels: Sequence[str] = ()
) -> dict[str, Amount]:  # fmt: skip
    """The amount of each value of a label, "" without it; of the label `set`: of each set. The days are as above.

    It takes longer the more different labels jobs have.
    """
    groups = {row["number"]: row["labels"] for row in reader.rows("select number, labels from label_group")}
    value_of = cache(lambda group: labels_in(groups.get(group)).get(name, ""))
    found: dict[str, Amount] = {}
    for row in _sums(reader, first, last, labels, "day, label_group"):
        value = value_of(row["label_group"])
        found[value] = found.get(value, Amount()) + Amount.of(row)
    return found


def _sums(
    reader: Reader, first: date | None, last: date | None, labels: Sequence[str], columns: str
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The columns by which an index has them in order, with the sums for each of their values."""
    where, arguments = has_labels(labels)
    days = [first.isoformat() if first else "", last.isoformat() if last else "9999-12-31"]
    return reader.rows(
        f"select {columns}, count(*) submissions, coalesce(sum(adopted), 0) adopted, total(spent_pu) spent, "
        "total(iif(spent_pu is null, reserved_pu, 0)) reserved from submission "
        f"where day >= ? and day <= ? and {where} and answer is not 'refused' group by {columns}",
        [*days, *arguments],
    )
