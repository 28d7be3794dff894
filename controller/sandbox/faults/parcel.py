"""What a finished request writes to the bucket, as a value: faults reshape it, `runs` delivers it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One object: its name below the request's folder, and its content or the file that holds it (to be moved)."""

    name: str
    content: bytes | Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Objects in the order they are written, then the request copy; all delays are in seconds after the run.

    `failure` is the message of a failed run: nothing is charged and the copy gets no cost. `silent` delivers nothing
    at all. `late` counts from the first 404 of GET for the request. The bucket accepts only the first `taken` objects,
    None: all of them. `lingers` is how long GET still reports RUNNING afterwards.
    """

    items: tuple[Item, ...] = ()
    failure: str | None = None
    silent: bool = False
    late: float = 0.0
    has_copy: bool = True
    copy_in_root: bool = False
    copy_late: float = 0.0
    taken: int | None = None
    lingers: float = 0.0
