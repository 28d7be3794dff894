"""The labels that jobs have, to choose among: read from the groups of them, of which there are few."""

from collections.abc import Iterator, Mapping

from controller.ledger.labels import labels_in
from controller.ledger.reads.reader import Reader

MOST_GROUPS = 2000
"""The groups that are looked at; with more, the labels are too many to choose among."""
MOST = 100


def label_names(reader: Reader) -> list[str]:
    """The names of labels, in order."""
    return sorted({name for labels in _groups(reader) for name in labels})[:MOST]


def label_values(reader: Reader) -> list[str]:
    """The labels as `NAME=VALUE`, in order; a hundred of them at most."""
    return sorted({f"{name}={value}" for labels in _groups(reader) for name, value in labels.items()})[:MOST]


def _groups(reader: Reader) -> Iterator[Mapping[str, str]]:
    for row in reader.rows("select labels from label_group limit ?", [MOST_GROUPS]):
        yield labels_in(str(row["labels"]))
