"""One row of the table of public-style evalscripts: a script, its request, and its pixels by arithmetic of our own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

FIELDS = (14.4, 45.4, 14.55, 45.5)  # meadows, soil, cloud shadow, cirrus, cloud, and the end of a swath
COAST = (14.9, 45.4, 15.05, 45.5)  # meadows and sea
ALPS = (14.9, 47.4, 15.05, 47.5)  # 1300 to 2400 m, snow in winter
ARCTIC = (15.0, 77.9, 15.5, 78.0)  # where radar looks with HH and HV


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One element of `input.data`, and the mosaicking the script reads it with.

    `filters` and `processing` are written as the inside of a YAML map, so that a feed is a key to what was read of it.
    """

    type: str = "sentinel-2-l2a"
    id: str = ""
    times: str = "2022-06-01/2022-06-27"
    mode: str = "SIMPLE"
    filters: str = ""
    processing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A script that people could have published.

    `expect` gets what each feed holds (`tests.support.seen.Seen`), and answers the planes of the only output, or
    planes by output id; `kinds` is the sample type of the only output, or the types by id. `is_flat`: every pixel is
    the same. `warned` are the codes of faults that the script has on purpose.
    """

    name: str
    script: str
    expect: Callable[..., Any]
    kinds: str | Mapping[str, str] = "AUTO"
    data: tuple[Feed, ...] = (Feed(),)
    box: tuple[float, float, float, float] = FIELDS
    media: str = "image/tiff"
    userdata: Callable[..., object] | None = None
    is_flat: bool = False
    warned: tuple[str, ...] = ()

    @property
    def types(self) -> Mapping[str, str]:
        return {"default": self.kinds} if isinstance(self.kinds, str) else self.kinds
