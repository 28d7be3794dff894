"""Why an object store refuses, in messages that are the same every time: no elapsed times, request ids or secrets."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from obstore.exceptions import PermissionDeniedError, PreconditionError, UnauthenticatedError

from controller.model.errors import ShjobsError, mask, truncate
from controller.settings.deployments import Credential
from controller.wire.messages import EXPIRED, NO_ANSWER, NO_TLS, NOT_TRUSTED, OTHER_NAME

_CODE = re.compile(r"<Code>\s*(\w{1,64})\s*</Code>")
_REGION = re.compile(r"<Region>\s*([A-Za-z0-9-]{1,40})\s*</Region>")
_REGION_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")
_STATUS = re.compile(r"status code: (\d{3})")
_REPLACED = "another object is there now: its ETag is not the one that was recorded"
_DENIED = "AccessDenied"
_DENIED_LOCALLY = "kind: PermissionDenied"
_MAY_NOT_LIST = "the credential may not list it (AccessDenied)"
# The store's own code, and what that means to an operator.
_WORDS = {
    "NoSuchBucket": "there is no such bucket",
    "PreconditionFailed": _REPLACED,
    "InvalidAccessKeyId": "the access key is not known there (InvalidAccessKeyId)",
    "SignatureDoesNotMatch": "the secret access key is wrong (SignatureDoesNotMatch)",
}
_ELSEWHERE = {"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IncorrectEndpoint"}
_ELSEWHERE |= {"IllegalLocationConstraintException"}
# A marker in an error of the library, whose own text contains elapsed times, and what it means.
_MARKS = {
    "ConnectionRefused": "nothing listens there",
    "dns error": "the name of the host is not known",
    "NotValidForName": OTHER_NAME,
    "ExpiredContext": EXPIRED,
    "NotValidYetContext": EXPIRED,
    "InvalidCertificate(": NOT_TRUSTED,
    "InvalidContentType": NO_TLS,
    "kind: Timeout": NO_ANSWER,
    "kind: Connect": "the endpoint cannot be connected to",
    "redirect without LOCATION": "the bucket is in another region, or at another endpoint",
}
# What differs on every call, in the remaining text.
_UNSTABLE = (
    re.compile(r"Error performing [A-Z]+ \S+ in [0-9.]+\S*( -)?"),
    re.compile(r"\b(after \d+ retries, )?max_retries: \d+, retry_timeout: \S+\s*-?"),
    re.compile(r"\bin [0-9.]+(ns|µs|ms|s)\b"),
)


class StoreError(ShjobsError):
    """A store's response is not what was requested; the text says what came, for an operator."""

    def __init__(self, message: str, *, denied: bool = False) -> None:
        super().__init__(message)
        self.denied = denied


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, credential: str, region: str, *, denied: str = _MAY_NOT_LIST
) -> StoreError:
    """The error for a status other than 200; `region` is the one that was called, `denied` what is not allowed."""
    text = body.decode(errors="replace")
    code = found[1] if (found := _CODE.search(text)) else ""
    if code == _DENIED:
        return StoreError(denied, denied=status == HTTPStatus.FORBIDDEN)
    if code in _ELSEWHERE or (300 <= status < 400 and "x-amz-bucket-region" in headers):
        return StoreError(_elsewhere(headers.get("x-amz-bucket-region", ""), text, credential, region))
    if code:
        return StoreError(_WORDS.get(code, f"the store answers {code}"))
    if 300 <= status < 400:
        advice = f"is there a login page of the network in between, or another endpoint for [credentials.{credential}]?"
        return StoreError(f"the endpoint redirects elsewhere ({status}), which is not followed: {advice}")
    return StoreError(f"the store answers {_phrase(status)}")


def is_denied(error: Exception) -> bool:
    """Whether the store, or the file system of a local folder, denied access."""
    if isinstance(error, StoreError):
        return error.denied
    code = _CODE.search(str(error))
    return code[1] == _DENIED if code else isinstance(error, PermissionError) or _DENIED_LOCALLY in str(error)


def store_message(error: Exception, credential: Credential, *, denied: str = "", region: str = "") -> str:
    """The message for an error; `denied` says what the credential may not do, if not to list."""
    keys = [each.get_secret_value() for each in (credential.access_key, credential.secret_access_key) if each]
    return truncate(mask(_words(error, credential.name, denied or _MAY_NOT_LIST, region), keys), 300)


def _words(error: Exception, credential: str, denied: str, region: str) -> str:
    text = str(error)
    if isinstance(error, ShjobsError):
        return text
    if code := _CODE.search(text):
        if code[1] in _ELSEWHERE:
            return _elsewhere("", text, credential, region)
        return denied if code[1] == _DENIED else _WORDS.get(code[1], f"the store answers {code[1]}")
    for mark, words in _MARKS.items():
        if mark in text:
            return f"{words}: {_advice('', credential)}" if "LOCATION" in mark else words
    if isinstance(error, PreconditionError):
        return _REPLACED
    if isinstance(error, FileNotFoundError):
        return "it is not there any more"
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return denied
    if status := _STATUS.search(text):
        return f"the store answers {_phrase(int(status[1]))}"
    first = text.partition("\n")[0]
    for unstable in _UNSTABLE:
        first = unstable.sub("", first)
    return first


def _elsewhere(header: str, text: str, credential: str, region: str) -> str:
    """The message for a bucket in another region: the one that the store names, if any."""
    found = _REGION.search(text)
    named = header if _REGION_NAME.fullmatch(header) else found[1] if found else ""
    if not named or named == region:
        return f"the bucket is in another region, or at another endpoint: {_advice('', credential)}"
    return f"the bucket is in region {named}: {_advice(named, credential)}"


def _advice(region: str, credential: str) -> str:
    setting = f'region = "{region or "…"}" under [credentials.{credential}] in shjobs.toml'
    return f"write {setting}, and the endpoint of that region if it names one"


def _phrase(status: int) -> str:
    """The status with HTTP's own phrase, not the server's."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
