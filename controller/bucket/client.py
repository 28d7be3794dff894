"""Lists and reads the objects under a delivery prefix, in object storage or a local folder in its place.

Workers list with it, `fetch` reads objects in ranges, `doctor` tests what else it can do; a bucket that cannot be read
is an answer like any other.
The settings decide which key pair may be used where. Source: reference page "Asynchronous Processing API" §§5 and 8.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from secrets import token_hex
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from controller.bucket.messages import StoreError, is_denied, store_message
from controller.bucket.reader import RETRIES, Deadline, Objects, S3Reader
from controller.bucket.stores import StoreLocation, Stores
from controller.model.answers import BucketAnswer, Listing, StoredObject, Unreadable
from controller.model.errors import Later
from controller.model.timing import Timing
from controller.settings.deployments import Credential, Deployment

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta

__all__ = ["FEW", "Bucket"]

_LONGEST_DOCUMENT = 256 * 1024
_MOST_DOCUMENTS = 20
FEW = 50  # objects that `peek` lists
_ERRORS = (BaseError, StoreError, Later, OSError, ValueError)


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
        self._reader = S3Reader(deployment.authorities, self._timing)
        self._monotonic = monotonic

    def read(self, prefix: str, credentials_ref: str | None, *, only: str = "", texts: bool = True) -> BucketAnswer:
        """Everything below `prefix` (`s3://bucket/path`), keys relative to it; `only` keeps keys that start with it.

        With `texts` the small JSON objects are read as well.

        Without `credentials_ref` (a delivery by role) any credential allowed for the prefix is used.
        """
        place = self._place(prefix, credentials_ref)
        if isinstance(place, Unreadable):
            return place
        try:
            return self._listed(place, only, texts=texts)
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
            page = next(self._pages(place, self._deadline(), FEW), ())
        except _ERRORS as error:
            return _unreadable(place, error)
        return Listing(objects=tuple(each for _, each in page))

    def write(self, url: str, credentials_ref: str | None, content: bytes) -> Unreadable | None:
        """Write one object; None: it was written."""
        return self._act(url, credentials_ref, lambda place: obstore.put(place.store, place.path, content), "write to")

    def remove(self, url: str, credentials_ref: str | None, keys: Sequence[str]) -> Unreadable | None:
        """Remove objects by their keys below `url`; None: they are gone."""

        def act(place: StoreLocation) -> None:
            obstore.delete(place.store, [f"{place.path}/{key}" for key in keys])

        return self._act(url, credentials_ref, act, "remove from") if keys else None

    def policy(self, url: str, credentials_ref: str | None) -> str | Unreadable | None:
        """The policy of the bucket as JSON text, None when it has none."""
        place = self._place(url, credentials_ref)
        if isinstance(place, Unreadable):
            return place
        home = self._stores.home(place)
        if home is None:
            return Unreadable(message=f"{place.name}: its policy can only be read with a key pair")
        try:
            answer = self._reader.get(home, b"", {"policy": ""}, self._deadline())
        except _ERRORS:
            return Unreadable(message=f"{place.name}: its policy cannot be read: no answer")
        text = answer.body.decode(errors="replace")
        if answer.status == HTTPStatus.NOT_FOUND and "NoSuchBucketPolicy" in text:
            return None
        if answer.status != HTTPStatus.OK:
            return Unreadable(message=f"{place.name}: its policy cannot be read (status {answer.status})")
        return text

    def _act(
        self, url: str, credentials_ref: str | None, act: Callable[[StoreLocation], object], deed: str
    ) -> Unreadable | None:  # fmt: skip
        place = self._place(url, credentials_ref)
        if isinstance(place, Unreadable):
            return place
        try:
            act(place)
        except _ERRORS as error:
            return _unreadable(place, error, denied=f"the credential may not {deed} it (AccessDenied)")
        return None

    def _place(self, url: str, credentials_ref: str | None) -> StoreLocation | Unreadable:
        return self._stores.place(url, credentials_ref, patience=self._timing.read_timeout / (RETRIES + 1))

    def _listed(self, place: StoreLocation, only: str, *, texts: bool) -> Listing:
        """List, then fetch the small JSON objects, all within the time one listing may take."""
        deadline = self._deadline()
        found: list[tuple[StoredObject, bytes]] = []
        for page in self._pages(place, deadline, 1000):
            deadline.left()
            found += [(each, key) for key, each in page if each.key.startswith(only)]
        found.sort()
        documents: dict[str, str] = {}
        for each, key in found if texts else ():
            if each.key.endswith(".json") and each.bytes <= _LONGEST_DOCUMENT and len(documents) < _MOST_DOCUMENTS:
                deadline.left()
                content = self._document(place, key, deadline)
                if content is not None:
                    documents[each.key] = content[:_LONGEST_DOCUMENT].decode(errors="replace")
        return Listing(objects=tuple(each for each, _ in found), documents=documents)

    def _pages(self, place: StoreLocation, deadline: Deadline, most: int) -> Iterator[Objects]:
        """The objects below a place with their whole keys: listed and checked by our own code if there are keys."""
        if place.home is not None:
            yield from self._reader.pages(place.home, place.path, deadline, most=most)
            return
        is_empty = True
        for page in obstore.list(place.store, place.path or None, chunk_size=most):
            is_empty = is_empty and not page
            yield tuple((each["path"].encode(), _stored(each, place.path)) for each in page)
        if is_empty and place.credential.default_chain:
            _check_is_s3(place)

    def _document(self, place: StoreLocation, key: bytes, deadline: Deadline) -> bytes | None:
        """The content of an object, or None when it was removed since the listing."""
        if place.home is not None:
            return self._reader.document(place.home, key, deadline, limit=_LONGEST_DOCUMENT)
        try:
            content = b""
            for part in obstore.get(place.store, key.decode()).stream(min_chunk_size=_LONGEST_DOCUMENT):
                content += bytes(part)
                deadline.left()
                if len(content) > _LONGEST_DOCUMENT:  # it has grown since the listing
                    break
            return content
        except FileNotFoundError:
            return None

    def _deadline(self) -> Deadline:
        return Deadline(self._timing.read_timeout, self._monotonic)


def _check_is_s3(place: StoreLocation) -> None:
    """GET an object that cannot exist: only an object store answers with S3's error.

    The library takes anything with status 200 for an empty listing, and gives no access to the keys to check ourselves.
    """
    try:
        obstore.get(place.store, f"{place.path}/.shjobs-{token_hex(8)}".lstrip("/"))
    except (BaseError, FileNotFoundError) as error:
        if "<Error" in str(error) and "<Code>" in str(error):
            return
    raise StoreError("cannot be listed: the server there does not speak S3 (is the endpoint a web console?)")


def _unreadable(place: StoreLocation, error: Exception, *, denied: str = "") -> Unreadable:
    words = store_message(error, place.credential, denied=denied, region=place.region)
    if place.credential.default_chain and isinstance(error, BaseError) and f"/{place.bucket}" not in str(error):
        words = f"AWS's default chain (variables, web identity, container, instance) gave no credentials: {words}"
    return Unreadable(message=f"{place.name}: {words}", denied=is_denied(error))


def _stored(found: "ObjectMeta", path: str) -> StoredObject:
    key = found["path"].removeprefix(f"{path}/") if path else found["path"]
    etag = (found["e_tag"] or "").replace('"', "")  # the quotes are HTTP's, not part of the tag
    return StoredObject(key=key, bytes=found["size"], etag=etag, modified=found["last_modified"])
