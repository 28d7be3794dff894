"""Which jobs a command is about: those with the labels of `-l`. The others are left as they are.

Pure. `plan -l` shows what `sync -l` submits.
"""

from collections.abc import Iterable, Sequence


def is_selected(labels: Iterable[tuple[str, str]], selector: Sequence[str]) -> bool:
    """Whether a job with these labels is meant by every `LABEL` or `LABEL=VALUE` of the selector."""
    known = dict(labels)
    return all(_matches(known, *each.partition("=")) for each in selector)


def _matches(labels: dict[str, str], name: str, separator: str, value: str) -> bool:
    return name in labels and (not separator or labels[name] == value)
