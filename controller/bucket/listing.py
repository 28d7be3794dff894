"""One page of a bucket's listing, read from S3's XML: valid only when complete and for the bucket and prefix requested.

`S3Reader` requests pages. Anything else with status 200 is `NotAListing`, never an empty bucket: because of an empty
one, work is paid for again. Source: API reference of ListObjectsV2.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes
from xml.parsers.expat import ExpatError, ParserCreate

from controller.model.answers import StoredObject

_ROOT = "ListBucketResult"
_NUMBER = re.compile(r"\d{1,18}")
_CODE = re.compile(r"\w{1,64}")
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|script)\b", re.IGNORECASE)
_PLACE_NAMES = ("Contents", "CommonPrefixes")


class NotAListing(ValueError):  # noqa: N818  (the name of an outcome)
    """The body is not a page of the requested listing; the text says what it is instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """The objects of a page by their whole keys, and the token of the next page, None after the last."""

    objects: tuple[tuple[bytes, StoredObject], ...]
    """Each with its key as stored; in `StoredObject` the key is text, relative to the prefix."""
    token: str | None


def page_of(content: bytes, bucket: str, prefix: str) -> ListingPage:
    """The page in `content`, requested for `bucket` below `prefix`. Raises `NotAListing`."""
    if not content.strip():
        raise NotAListing("an empty body")
    found = _Elements()
    try:
        found.read(content)
    except ExpatError:
        raise NotAListing(_unparsed(content, found.root)) from None
    if found.root != _ROOT:
        raise NotAListing(_other(found))
    _check(found, bucket, prefix)
    is_encoded = "EncodingType" in found.fields
    objects = tuple(_objects(found.contents, prefix.encode(), is_encoded))
    if found.fields["IsTruncated"].lower() == "false":
        return ListingPage(objects=objects, token=None)
    return ListingPage(objects=objects, token=found.fields["NextContinuationToken"])


class _Elements:
    """The texts of the elements right below the root, and those of each `Contents`."""

    def __init__(self) -> None:
        self.root = ""
        self.fields: dict[str, str] = {}
        self.contents: list[dict[str, str]] = []
        self._open: list[str] = []
        self._text: list[str] = []

    def read(self, content: bytes) -> None:
        parser = ParserCreate("utf-8", "}")  # as S3 writes it, whatever the document says
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse
        parser.Parse(content, True)

    def _start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if not self._open:
            self.root = name
        elif name in _PLACE_NAMES and len(self._open) > 1:
            raise NotAListing("a document that only resembles a listing")
        elif name == "Contents":
            self.contents.append({})
        self._open.append(name)
        self._text.clear()

    def _end(self, _tag: str) -> None:
        name, text = self._open.pop(), "".join(self._text)
        self._text.clear()
        if len(self._open) == 1 and name not in _PLACE_NAMES:
            self._put(self.fields, name, text)
        elif len(self._open) == 1 and name == "CommonPrefixes":
            self.fields[name] = "some"
        elif len(self._open) == 2 and self._open[1] == "Contents":
            self._put(self.contents[-1], name, text)

    def _put(self, into: dict[str, str], name: str, text: str) -> None:
        if into.setdefault(name, text) != text and self.root == _ROOT and name in _ONCE:
            raise NotAListing(f"a listing that says two things about its {name}")

    def _refuse(self, *_: object) -> None:
        raise ExpatError("a document type")


_ONCE = {"Name", "Prefix", "IsTruncated", "KeyCount", "NextContinuationToken", "EncodingType", "Key", "Size"}


def _check(found: _Elements, bucket: str, prefix: str) -> None:
    """Check that it is for this bucket and prefix, and complete."""
    fields = found.fields
    if fields.get("Name") not in (bucket, bucket.rpartition(":")[2]):  # Ceph leaves the tenant out
        raise NotAListing("a listing of another bucket" if fields.get("Name") else "a listing that names no bucket")
    if fields.get("EncodingType", "url") != "url":
        raise NotAListing("a listing in an encoding that was not asked for")
    echoed = fields.get("Prefix", "")
    if prefix not in (echoed, _decoded(echoed).decode(errors="replace") if "EncodingType" in fields else echoed):
        raise NotAListing("a listing of another prefix")
    if fields.get("Delimiter") or "CommonPrefixes" in fields:
        raise NotAListing("a listing by folders, which was not asked for")
    if fields.get("KeyCount", str(len(found.contents))).strip() != str(len(found.contents)):
        raise NotAListing("a listing with more or fewer keys than it counts")
    match fields.get("IsTruncated", "").lower(), bool(fields.get("NextContinuationToken")):
        case ("false", False) | ("true", True):
            return
        case ("true", False):
            raise NotAListing("a part of a listing, without the way to its next page")
        case ("false", True):
            raise NotAListing("a listing that says that it is whole and goes on")
    raise NotAListing("a listing that does not say whether it is whole")


def _objects(contents: list[dict[str, str]], prefix: bytes, is_encoded: bool) -> Iterator[tuple[bytes, StoredObject]]:
    for each in contents:
        key = _decoded(each.get("Key", "")) if is_encoded else each.get("Key", "").encode()
        if not key or not _NUMBER.fullmatch(each.get("Size", "").strip()):
            raise NotAListing("a listing with an object that has no key or no size")
        if not key.startswith(prefix):
            raise NotAListing("a listing with keys outside the prefix")
        if key == prefix:
            continue  # the placeholder that a console creates for a folder: the prefix itself, nothing below it
        yield (
            key,
            StoredObject(
                key=key.removeprefix(prefix).decode(errors="replace"),
                bytes=int(each["Size"]),
                etag=each.get("ETag", "").replace('"', ""),
                modified=_moment(each.get("LastModified", "")),
            ),
        )


def _decoded(text: str) -> bytes:
    """Decodes the encoding type `url`, in which a space is a plus."""
    return unquote_to_bytes(text.replace("+", " "))


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _other(found: _Elements) -> str:
    """Describes a complete XML document that is something else."""
    if found.root.lower() == "html":
        return _PAGE
    name = found.root if _CODE.fullmatch(found.root) else "unknown"
    if name == "Error" and _CODE.fullmatch(code := found.fields.get("Code", "").strip()):
        return f"an error document ({code}) with status 200"
    return f"a document <{name}>"


_PAGE = "an HTML page (is the endpoint a web console, or is there a login page of the network in between?)"


def _unparsed(content: bytes, root: str) -> str:
    """Describes what is not XML, or is truncated."""
    if root == _ROOT:
        return "a listing that is cut off or damaged"
    start = content[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    if _HTML.search(start):
        return _PAGE
    if start.startswith((b"{", b"[")):
        return "JSON (is this the endpoint of an object store?)"
    if start.startswith(b"\x1f\x8b"):
        return "a compressed body, which was not asked for"
    return "a body that is no listing"
