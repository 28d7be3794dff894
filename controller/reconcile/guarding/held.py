"""What a job that waits for an operator was counted as, and for which set's yes, also after a restart."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.limits.guard import Due
from controller.limits.set_limits import is_yes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """`set_name` is the set whose yes is needed, "" for a large change; `due` None: it was held before a restart."""

    set_name: str = ""
    due: Due | None = None


def held_before(labels: Mapping[str, str], held: Mapping[str, Held], sets: Mapping[str, str]) -> dict[str, Held]:
    """What waits for an operator according to the ledger, by name; `labels` are the hashes of the batches.

    `held` is as it is counted now, and `sets` are the sets of the cells among them. The ledger does not say what a
    batch is for; that it is the yes to a set follows from its hash.
    """
    batches = defaultdict[str, list[str]](list)
    for name, label in labels.items():
        batches[label].append(name)
    found: dict[str, Held] = {}
    for label, names in batches.items():
        found |= dict.fromkeys(names, Held(set_name=_asking(label, names, held, sets)))
    return found


def _asking(label: str, names: Sequence[str], held: Mapping[str, Held], sets: Mapping[str, str]) -> str:
    """The set whose yes is asked for by this hash, when all of these are cells of one; "" for a large change."""
    first = sets.get(names[0], "")
    is_one = bool(first) and all(sets.get(name) == first for name in names)
    return first if is_one and is_yes_of(first, label, [due for name in names if (due := held[name].due)]) else ""
