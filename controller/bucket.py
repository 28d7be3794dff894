"""Lists and reads what lies under a delivery prefix, in object storage or a local folder that stands in for it.

Workers call it; a bucket that cannot be read is an answer like any other. Which key pair may be used where is decided
by the settings. Source: reference page "Asynchronous Processing API" §§5 and 8.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, S3Store

from controller.answers import BucketAnswer, Listing, StoredObject, Unreadable
from controller.deployments import Credential, Deployment
from controller.errors import Later, cut, masked
from controller.timing import Timing

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import S3Credential

_LONGEST_DOCUMENT = 256 * 1024
_MOST_DOCUMENTS = 20
_RETRIES = 2
_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d+ [A-Za-z ]+)")
# The store's own code, or a mark in its error, and what that means to a person.
_WORDS = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "the credential may not list it (AccessDenied)",
    "InvalidAccessKeyId": "the access key is not known there (InvalidAccessKeyId)",
    "SignatureDoesNotMatch": "the secret access key is wrong (SignatureDoesNotMatch)",
}
_MARKS = {
    "ConnectionRefused": "nothing listens at the endpoint",
    "dns error": "the name of the endpoint's host is not known",
    "kind: Timeout": "no answer in time",
    "kind: Connect": "the endpoint cannot be connected to",
}
_Store = S3Store | LocalStore


class Bucket:
    """The buckets of one deployment, read with the credentials of the settings. Safe to share between threads."""

    def __init__(
        self,
        deployment: Deployment,
        credentials: Mapping[str, Credential],
        *,
        timing: Timing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deployment = deployment
        self._credentials = credentials
        self._timing = timing or Timing()
        self._monotonic = monotonic
        self._stores: dict[tuple[str, str], _Store] = {}
        self._lock = threading.Lock()

    def read(self, prefix: str, credentials_ref: str | None, *, only: str = "") -> BucketAnswer:
        """Everything below `prefix` (`s3://bucket/path`), keys relative to it; `only` keeps keys that start with it.

        Without `credentials_ref` (a delivery by role) any credential that may be used for the prefix reads.
        """
        name, _, path = prefix.removeprefix("s3://").partition("/")
        credential = self._credential(prefix, credentials_ref)
        if isinstance(credential, Unreadable):
            return credential
        if credential.folder is not None and not (credential.folder / name).is_dir():
            return Unreadable(message=f"bucket {name}: there is no folder {credential.folder / name}")
        try:
            return self._listed(self._store(name, credential), path.strip("/"), only)
        except (BaseError, Later, OSError, ValueError) as error:
            return Unreadable(message=f"bucket {name}, credential {credential.name}: {_in_words(error, credential)}")

    def _credential(self, prefix: str, ref: str | None) -> Credential | Unreadable:
        """The credential to read with, or why there is none."""
        if ref is None:
            able = [each for _, each in sorted(self._credentials.items()) if each.may_use(prefix)]
            if not able:
                return Unreadable(message=f"no credential may be used for {prefix}; {_advice(prefix)}")
            found = able[0]
        elif ref not in self._credentials:
            return Unreadable(message=f"no credential is called {ref}; {_advice(prefix, ref)}")
        else:
            found = self._credentials[ref]
        if not found.may_use(prefix):
            return Unreadable(
                message=f"credential {found.name} may not be used for {prefix}; {_advice(prefix, found.name)}"
            )
        if found.folder is None and (found.access_key is None or found.secret_access_key is None):
            keys = "accessKeyFile and secretAccessKeyFile, or the SHJOBS_CREDENTIALS_… variables"
            return Unreadable(message=f"credential {found.name} has no key pair; give it {keys}")
        return found

    def _store(self, name: str, credential: Credential) -> _Store:
        with self._lock:
            key = (name, credential.name)
            if key not in self._stores:
                self._stores[key] = (
                    LocalStore(credential.folder / name) if credential.folder else self._s3(name, credential)
                )
            return self._stores[key]

    def _s3(self, name: str, credential: Credential) -> S3Store:
        """Every setting is named here, since the library would take what is missing from AWS_… variables."""
        region = credential.region or self._deployment.region
        endpoint = credential.endpoint or self._deployment.s3_endpoint or f"https://s3.{region}.amazonaws.com"
        once = timedelta(seconds=self._timing.read_timeout / (_RETRIES + 1))
        return S3Store(
            name,
            config={
                "endpoint": endpoint,
                "region": region,
                "virtual_hosted_style_request": False,
                "skip_signature": False,
            },
            client_options={
                "timeout": once,
                "connect_timeout": min(once, timedelta(seconds=self._timing.connect_timeout)),
                "allow_http": endpoint.startswith("http://"),
            },
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=self._timing.read_timeout),
            },
            credential_provider=_key_pair(credential),
        )

    def _listed(self, store: _Store, path: str, only: str) -> Listing:
        """List, then fetch the small JSON objects, all within the time one listing may take."""
        deadline = self._monotonic() + self._timing.read_timeout
        found: list[tuple[StoredObject, str]] = []
        for page in obstore.list(store, path or None, chunk_size=1000):
            self._check(deadline)
            stored = ((_stored(each, path), each["path"]) for each in page)
            found += [each for each in stored if each[0].key.startswith(only)]
        found.sort()
        documents: dict[str, str] = {}
        for each, where in found:
            if each.key.endswith(".json") and each.bytes <= _LONGEST_DOCUMENT and len(documents) < _MOST_DOCUMENTS:
                self._check(deadline)
                text = _text(store, where)
                if text is not None:
                    documents[each.key] = text
        return Listing(objects=tuple(each for each, _ in found), documents=documents)

    def _check(self, deadline: float) -> None:
        if self._monotonic() > deadline:
            raise Later("reading took too long; are there too many objects under the prefix?")


def _key_pair(credential: Credential) -> "Callable[[], S3Credential]":
    def key_pair() -> "S3Credential":
        access, secret = credential.access_key, credential.secret_access_key
        assert access is not None and secret is not None, "checked before a store is made"
        return {
            "access_key_id": access.get_secret_value(),
            "secret_access_key": secret.get_secret_value(),
            "token": None,
            "expires_at": None,
        }

    return key_pair


def _stored(found: "ObjectMeta", path: str) -> StoredObject:
    key = found["path"].removeprefix(f"{path}/") if path else found["path"]
    etag = (found["e_tag"] or "").replace('"', "")  # S3 sends it in quotes; they are HTTP's, not part of the tag
    return StoredObject(key=key, bytes=found["size"], etag=etag, modified=found["last_modified"])


def _text(store: _Store, where: str) -> str | None:
    """The text of an object, or None when it went away since the listing."""
    try:
        content = bytes(obstore.get(store, where).bytes())
    except FileNotFoundError:
        return None
    return content[:_LONGEST_DOCUMENT].decode(errors="replace")


def _advice(prefix: str, name: str = "<name>") -> str:
    return f'write [credentials.{name}] with prefixes = ["{prefix}"] in the settings'


def _in_words(error: Exception, credential: Credential) -> str:
    """Why a bucket cannot be read: the same words every time, without elapsed times, request ids and secrets."""
    text = str(error)
    if code := _CODE.search(text):
        return _WORDS.get(code[1], f"the store answers {code[1]}")
    for mark, words in _MARKS.items():
        if mark in text:
            return words
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return _WORDS["AccessDenied"]
    if status := _STATUS.search(text):
        return f"the store answers {status[1]}"
    keys = (credential.access_key, credential.secret_access_key)
    return cut(masked(text.partition("\n")[0], [each.get_secret_value() for each in keys if each]), 200)
