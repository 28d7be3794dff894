"""The kinds of values that shjobs.toml holds, each with a sentence that says what to write instead."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict
from pydantic.alias_generators import to_camel

from controller.model.errors import SILENCING, WARNINGS
from controller.model.hosts import names_in
from controller.model.timing import seconds_of
from controller.settings.deployments import NEW_PATH, OLD_PATH, is_loopback, segments_of
from controller.settings.suggestions import did_you_mean

FROZEN = ConfigDict(
    frozen=True, extra="forbid", strict=True, alias_generator=to_camel, hide_input_in_errors=True, defer_build=True
)  # fmt: skip
"""Of every table of the file: strict, keys as the user writes them, and no value in an error."""

EVERY_WARNING = "warning"
"""In `holdOn`: whatever `check` warns of."""


def _service_url(text: str) -> str:
    """An address that secrets may be sent to: https, or plain http to this machine."""
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise ValueError("is not a URL; write it like https://host/path") from None
    if url.scheme not in ("http", "https") or not url.hostname or any(each.isspace() for each in text):
        raise ValueError("is not a URL; write it like https://host/path")
    if url.username is not None or url.password is not None or url.query or url.fragment:
        raise ValueError("must hold no user, password, '?' or '#'; write it like https://host/path")
    if url.scheme == "http" and not is_loopback(text):
        raise ValueError("plain http is only allowed to this machine (127.0.0.1, localhost); write https://")
    return text.rstrip("/")


def _api_path(text: str) -> str:
    if not text.startswith("/") or any(each in "?#" or each.isspace() for each in text):
        raise ValueError(f'must be the path of the service, such as "{NEW_PATH}" or "{OLD_PATH}"')
    return text.rstrip("/")


def _duration(text: str) -> str:
    if seconds_of(text) > 366 * 86400:
        raise ValueError("must be at most 366d")
    return text


def _time_between(text: str) -> str:
    if not seconds_of(_duration(text)):
        raise ValueError("must be more than 0s")
    return text


def _path(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("must be the name of a file or folder, not empty")
    return text


def _bucket_prefix(text: str) -> str:
    if not segments_of(text):
        raise ValueError("must be a bucket, or a folder in it, such as s3://my-bucket/ndvi")
    return text.rstrip("/")


def _currency(text: str) -> str:
    if not text.isascii() or not text.isalpha() or len(text) != 3:
        raise ValueError("must be a code of three letters, such as EUR")
    return text.upper()


def _host_names(text: str) -> str:
    names_in(text)
    return text


def _base_path(text: str) -> str:
    path = text.rstrip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path):
        raise ValueError("must be the path under which a proxy serves the page, such as /shjobs")
    return path


def _warned(text: str) -> str:
    known = {EVERY_WARNING, *WARNINGS, *SILENCING}
    if text not in known:
        words = f'must list warnings of `check` by code, such as "W004", or "{EVERY_WARNING}" for all'
        raise ValueError(f"{words}{did_you_mean(text, known)}")
    return text


ServiceUrl = Annotated[str, AfterValidator(_service_url)]
ApiPath = Annotated[str, AfterValidator(_api_path)]
Duration = Annotated[str, AfterValidator(_duration)]
TimeBetween = Annotated[str, AfterValidator(_time_between)]
FilePath = Annotated[str, AfterValidator(_path)]
BasePath = Annotated[str, AfterValidator(_base_path)]
HostNames = Annotated[str, AfterValidator(_host_names)]
Warned = Annotated[str, AfterValidator(_warned)]
BucketPrefix = Annotated[str, AfterValidator(_bucket_prefix)]
Currency = Annotated[str, AfterValidator(_currency)]
