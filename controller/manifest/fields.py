"""The types of manifest fields: names, dates, durations, collections, CRS; their validation and error messages.

`model` builds its models from these types. A validator raises `Unfit` with the message for the user.
"""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from controller.manifest.digest import parse_timestamp
from controller.model.catalog import DEFAULT_CRS, canonical_type, collection_names, crs, crs_url, nearest
from controller.model.job import MOST_UNITS
from controller.model.timing import seconds_of

LONGEST_SIDE = 10_000  # pixels; reference page "Asynchronous Processing API" §6

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ROLE = re.compile(r"arn:[a-z-]+:iam::[0-9A-Za-z]+:role/.+")
_DEADLINE_SCHEMA = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?[smhd]$"}


class Unfit(ValueError):  # noqa: N818  (pydantic collects a ValueError; `code` becomes that of the Problem)
    """A value that is not allowed here."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _date_time(written: str) -> str:
    try:
        parse_timestamp(written)
    except ValueError as error:
        raise Unfit("E215", str(error)) from None
    return written


def is_name(written: str) -> bool:
    """Whether a job or a credential can have this name."""
    return _NAME.fullmatch(written) is not None


def _name(written: str) -> str:
    if not is_name(written):
        raise Unfit("E108", "must be made of lowercase letters, digits and '-' (not at its ends), at most 63 of them")
    return written


def _collection_type(written: str) -> str:
    if canonical_type(written):
        return written
    if written == "CUSTOM":
        message = "`CUSTOM` is the older name of own data: write byoc-<collection id>, with the id that stands in"
        raise Unfit("E210", f"{message} `collectionId`")
    near = nearest(written, collection_names())
    hint = f"did you mean {near}?" if near else "write for example sentinel-2-l2a, or byoc-<collection id>"
    raise Unfit("E210", f"`{written}` is not a collection of the service: {hint}")


def _crs(written: str) -> str:
    if crs(written):
        return written
    url = crs_url(written)
    hint = f"write {url}" if url else f"write a URL such as {DEFAULT_CRS} (the default), or of an EPSG code"
    raise Unfit("E204", f"`{written}` is not a CRS the service knows: {hint}")


def _role_arn(written: str) -> str:
    if not _ROLE.fullmatch(written):
        raise Unfit("E108", "must be the ARN of a role, such as arn:aws:iam::123456789012:role/shjobs")
    return written


def _duration(written: Any) -> timedelta:
    if not isinstance(written, str):
        raise Unfit("E106", 'must be text with a unit, such as "24h"')
    try:
        duration = timedelta(seconds=seconds_of(written))
    except OverflowError:
        raise Unfit("E109", "must be at most 366d") from None
    if not timedelta(0) < duration <= timedelta(days=366):
        raise Unfit("E109", "must be more than 0s and at most 366d")
    return duration


def _unit_limit(written: float) -> float:
    if written > MOST_UNITS:
        raise Unfit("E109", f"must be at most {MOST_UNITS:,.0f}")
    return written


Number = Annotated[float, Field(allow_inf_nan=False)]
DateTime = Annotated[str, AfterValidator(_date_time)]
Name = Annotated[str, AfterValidator(_name)]
CollectionType = Annotated[str, AfterValidator(_collection_type)]
CrsUrl = Annotated[str, AfterValidator(_crs)]
RoleArn = Annotated[str, AfterValidator(_role_arn)]
Deadline = Annotated[timedelta, BeforeValidator(_duration), WithJsonSchema(_DEADLINE_SCHEMA)]
Bbox = Annotated[tuple[Number, Number, Number, Number], Field(strict=False)]
Pixels = Annotated[int, Field(ge=1, le=LONGEST_SIDE)]
Positive = Annotated[Number, Field(gt=0)]
UnitLimit = Annotated[Positive, AfterValidator(_unit_limit)]
