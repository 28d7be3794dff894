"""Lists and reads what lies under a delivery prefix, in object storage or a local folder that stands in for it.

Workers list with it, `fetch` reads objects piece by piece, `doctor` tries what else it can do; a bucket that cannot be
read is an answer like any other.
The settings decide which key pair may be used where. Source: reference page "Asynchronous Processing API" §§5 and 8.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from controller.answers import BucketAnswer, Listing, StoredObject, Unreadable
from controller.bucket.stores import RETRIES, Place, Store, Stores
from controller.bucket.words import in_words, is_denied
from controller.deployments import Credential, Deployment
from controller.errors import Later
from controller.timing import Timing

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta

__all__ = ["FEW", "Bucket"]

_LONGEST_DOCUMENT = 256 * 1024
_MOST_DOCUMENTS = 20
FEW = 50  # objects that `peek` looks at
_ERRORS = (BaseError, Later, OSError, ValueError)


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
        self._timing = timing or Timing()
        self._stores = Stores(deployment, credentials, self._timing)
        self._monotonic = monotonic

    def read(self, prefix: str, credentials_ref: str | None, *, only: str = "") -> BucketAnswer:
        """Everything below `prefix` (`s3://bucket/path`), keys relative to it; `only` keeps keys that start with it.

        Without `credentials_ref` (a delivery by role) any credential that may be used for the prefix reads.
        """
        place = self._place(prefix, credentials_ref)
        if isinstance(place, Unreadable):
            return place
        try:
            return self._listed(place.store, place.path, only)
        except _ERRORS as error:
            return _unreadable(place, error)

    def piece(
        self, url: str, credentials_ref: str | None, etag: str, start: int, end: int
    ) -> bytes | Unreadable:  # fmt: skip
        """The bytes from `start` up to `end` of the one object at `url` that has this ETag ("" for any)."""
        place = self._stores.place(url, credentials_ref, patience=self._timing.answer_timeout)
        if isinstance(place, Unreadable):
            return place
        options: GetOptions = {"range": (start, end)}
        if etag and not etag.startswith("W/"):
            options["if_match"] = f'"{etag}"'
        try:
            return bytes(obstore.get(place.store, place.path, options=options).bytes())
        except _ERRORS as error:
            return _unreadable(place, error, denied="the credential may not read it (AccessDenied)")

    def peek(self, url: str, credentials_ref: str | None) -> BucketAnswer:
        """The first few objects below `url`: whether it can be listed at all."""
        place = self._place(url, credentials_ref)
        if isinstance(place, Unreadable):
            return place
        try:
            page = next(iter(obstore.list(place.store, place.path or None, chunk_size=FEW)), [])
        except _ERRORS as error:
            return _unreadable(place, error)
        return Listing(objects=tuple(_stored(each, place.path) for each in page))

    def write(self, url: str, credentials_ref: str | None, content: bytes) -> Unreadable | None:
        """Write one object; None: it was written."""
        return self._act(url, credentials_ref, lambda place: obstore.put(place.store, place.path, content), "write to")

    def remove(self, url: str, credentials_ref: str | None, keys: Sequence[str]) -> Unreadable | None:
        """Remove objects by their keys below `url`; None: they are gone."""

        def act(place: Place) -> None:
            obstore.delete(place.store, [f"{place.path}/{key}" for key in keys])

        return self._act(url, credentials_ref, act, "remove from") if keys else None

    def policy(self, url: str, credentials_ref: str | None) -> str | Unreadable | None:
        """The policy of the bucket as JSON text, None when it has none."""
        place = self._place(url, credentials_ref)
        if isinstance(place, Unreadable):
            return place
        return self._stores.policy(place)

    def _act(
        self, url: str, credentials_ref: str | None, act: Callable[[Place], object], deed: str
    ) -> Unreadable | None:  # fmt: skip
        place = self._place(url, credentials_ref)
        if isinstance(place, Unreadable):
            return place
        try:
            act(place)
        except _ERRORS as error:
            return _unreadable(place, error, denied=f"the credential may not {deed} it (AccessDenied)")
        return None

    def _place(self, url: str, credentials_ref: str | None) -> Place | Unreadable:
        return self._stores.place(url, credentials_ref, patience=self._timing.read_timeout / (RETRIES + 1))

    def _listed(self, store: Store, path: str, only: str) -> Listing:
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


def _unreadable(place: Place, error: Exception, *, denied: str = "") -> Unreadable:
    words = in_words(error, place.credential, denied=denied)
    if place.credential.default_chain and isinstance(error, BaseError) and f"/{place.bucket}" not in str(error):
        words = f"AWS's default chain (variables, web identity, container, instance) gave no credentials: {words}"
    return Unreadable(message=f"{place.name}: {words}", denied=is_denied(error))


def _stored(found: "ObjectMeta", path: str) -> StoredObject:
    key = found["path"].removeprefix(f"{path}/") if path else found["path"]
    etag = (found["e_tag"] or "").replace('"', "")  # S3 sends it in quotes; they are HTTP's, not part of the tag
    return StoredObject(key=key, bytes=found["size"], etag=etag, modified=found["last_modified"])


def _text(store: Store, where: str) -> str | None:
    """The text of an object, or None when it went away since the listing."""
    try:
        content = bytes(obstore.get(store, where).bytes())
    except FileNotFoundError:
        return None
    return content[:_LONGEST_DOCUMENT].decode(errors="replace")
