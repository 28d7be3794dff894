"""The digest: which request bodies request the same thing.

A changed digest is a new submission and is paid for, so nothing here may change under scheme 1: a better rule
needs a new scheme. `tests/data/digest-vectors.json` freezes it.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785

from controller.model.catalog import DEFAULT_CRS, canonical_type, defaults_of

SCHEME = "1"
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

_RESPONSE = {"identifier": "default", "format": {"type": "image/png"}}
_JPEG_QUALITY = {"quality": 90}
_DELIVERY = ("url", "region")


def digest(body: Mapping[str, Any]) -> str:
    """`1:<64 hexadecimal digits>`: the SHA-256 of the RFC 8785 form of `canonical(body)`."""
    return f"{SCHEME}:{hashlib.sha256(rfc8785.dumps(canonical(body))).hexdigest()}"


def canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as the service understands it: one notation for everything that has several.

    Aliases are resolved, documented defaults dropped (reference page "request-schema.json"), date-times in UTC,
    line ends of the script unified. Credentials and their names are left out. All else, including order, is kept.
    """
    asked = {"input": _input(body["input"]), "output": _output(body["output"])}
    return {**body, **asked, "evalscript": _script(body["evalscript"])}


def parse_timestamp(written: str) -> datetime:
    """The moment of an RFC 3339 date-time. ValueError says what to write instead."""
    if _DATE_TIME.fullmatch(written) is None:
        example = f"{written}T00:00:00Z" if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written) else "2022-06-20T00:00:00Z"
        raise ValueError(f"must be a date with time and zone: write for example {example}")
    try:
        moment = datetime.fromisoformat(written.upper())
        moment.astimezone(UTC)
    except ValueError:
        raise ValueError("is not a date of the calendar or a time of the day") from None
    except OverflowError:
        raise ValueError("is before the year 1 or after the year 9999 in UTC") from None
    return moment


def _input(given: Mapping[str, Any]) -> dict[str, Any]:
    bounds = _with(given["bounds"], properties=_without(given["bounds"].get("properties", {}), {"crs": DEFAULT_CRS}))
    return {**given, "bounds": bounds, "data": [_dataset(each) for each in given["data"]]}


def _dataset(given: Mapping[str, Any]) -> dict[str, Any]:
    type = canonical_type(given["type"]) or given["type"]
    assumed = defaults_of(type)
    chosen = _without(given.get("dataFilter", {}), assumed["dataFilter"])
    if "timeRange" in chosen:
        chosen["timeRange"] = {end: _in_utc(moment) for end, moment in chosen["timeRange"].items()}
    processing = _without(given.get("processing", {}), assumed["processing"])
    return {**_with(given, dataFilter=chosen, processing=processing), "type": type}


def _output(given: Mapping[str, Any]) -> dict[str, Any]:
    responses = [_response(each) for each in given.get("responses", ())]
    s3 = {key: value for key, value in given["delivery"]["s3"].items() if key in _DELIVERY}
    delivery = {"s3": {**s3, "url": s3["url"].rstrip("/")}}
    return {**_with(given, responses=responses if responses != [{}] else []), "delivery": delivery}


def _response(given: Mapping[str, Any]) -> dict[str, Any]:
    format = given.get("format", _RESPONSE["format"])
    if format["type"] == "image/jpeg":
        format = _without(format, _JPEG_QUALITY)
    return _without({**given, "format": format}, _RESPONSE)


def _script(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    while lines and not lines[-1].strip(" \t"):
        lines.pop()
    return "\n".join(lines)


def _in_utc(written: str) -> str:
    """`2022-06-20T02:00:00.500+02:00` → `2022-06-20T00:00:00.5Z`; anything else is unchanged."""
    parts = _DATE_TIME.fullmatch(written)
    if parts is None:
        return written
    day, time, fraction, zone = parts.groups(default="")
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{zone.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):  # 31 June; the first hours of year 1, which are before it in UTC
        return written
    return f"{moment.replace(tzinfo=None).isoformat()}{fraction.rstrip('0').rstrip('.')}Z"


def _without(given: Mapping[str, Any], assumed: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in assumed or not _same(value, assumed[key])}


def _same(one: Any, other: Any) -> bool:
    # In Python `True == 1`; for the service they differ.
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _with(given: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """`given` with these parts replacing its own, without empty ones."""
    kept = {key: value for key, value in given.items() if key not in parts}
    return kept | {key: part for key, part in parts.items() if part}
