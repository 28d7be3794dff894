"""Why an object store refuses, in words that are the same every time: no elapsed times, request ids or secrets."""

import re

from obstore.exceptions import PermissionDeniedError, PreconditionError, UnauthenticatedError

from controller.deployments import Credential
from controller.errors import cut, masked

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d+ [A-Za-z ]+)")
_REPLACED = "another object stands there now: its ETag is not the one that was recorded"
# The store's own code, or a mark in its error, and what that means to a person.
_WORDS = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "the credential may not list it (AccessDenied)",
    "PreconditionFailed": _REPLACED,
    "InvalidAccessKeyId": "the access key is not known there (InvalidAccessKeyId)",
    "SignatureDoesNotMatch": "the secret access key is wrong (SignatureDoesNotMatch)",
}
_MARKS = {
    "ConnectionRefused": "nothing listens at the endpoint",
    "dns error": "the name of the endpoint's host is not known",
    "kind: Timeout": "no answer in time",
    "kind: Connect": "the endpoint cannot be connected to",
}
_DENIED = "AccessDenied"
_DENIED_LOCALLY = "kind: PermissionDenied"


def is_denied(error: Exception) -> bool:
    """Whether the store, or the file system of a local folder, says that the right is lacking."""
    code = _CODE.search(str(error))
    return code[1] == _DENIED if code else isinstance(error, PermissionError) or _DENIED_LOCALLY in str(error)


def in_words(error: Exception, credential: Credential, *, denied: str = "") -> str:
    """What went wrong; `denied` says what the credential may not do, if not to list."""
    text = str(error)
    words = _WORDS | ({_DENIED: denied} if denied else {})
    if code := _CODE.search(text):
        return words.get(code[1], f"the store answers {code[1]}")
    for mark, told in _MARKS.items():
        if mark in text:
            return told
    if isinstance(error, PreconditionError):
        return _REPLACED
    if isinstance(error, FileNotFoundError):
        return "it is not there any more"
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return words[_DENIED]
    if status := _STATUS.search(text):
        return f"the store answers {status[1]}"
    keys = (credential.access_key, credential.secret_access_key)
    return cut(masked(text.partition("\n")[0], [each.get_secret_value() for each in keys if each]), 200)
