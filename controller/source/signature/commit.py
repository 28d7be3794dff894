"""The bytes of a commit as git stores them, taken apart: its parents, what was signed, and the signature. Pure.

Stricter than git: what is ambiguous (a header twice, or out of order) is refused, so that no two programs can read two
different commits from the same bytes. Used by `verifier` and `since`.
"""

import hashlib
import re
from dataclasses import dataclass

LARGEST = 1024 * 1024  # bytes of a commit object
LONGEST_SIGNATURE = 64 * 1024  # bytes
_HASH = rb"(?:[0-9a-f]{40}|[0-9a-f]{64})"
_TREE = re.compile(rb"tree (" + _HASH + rb")")
_PARENT = re.compile(rb"parent (" + _HASH + rb")")
_COMMITTER = re.compile(rb"committer [^\n]*> (\d{1,11}) [+-]\d+")
_NEXT_HEADER = re.compile(rb"\n(?! )")  # a line that begins with a space continues the header
_ONCE = (b"tree", b"author", b"committer", b"gpgsig", b"gpgsig-sha256")
SIGNATURE_HEADERS = {40: b"gpgsig", 64: b"gpgsig-sha256"}
"""By the digits of the repository's hashes."""


class MalformedCommitError(Exception):
    """These bytes are no commit that could be verified; the message goes on after `commit 1a2b… `."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitObject:
    """One commit. `payload` is what was signed, `signature` is empty where nothing was.

    `committed_at` is in seconds since 1970.
    """

    hash: str
    parents: tuple[str, ...]
    committed_at: int
    payload: bytes
    signature: bytes


def commit_hash(raw: bytes, digits: int = 40) -> str:
    """Git's name for a commit of these bytes, in as many digits as the repository's hashes have."""
    hashed = hashlib.sha256 if digits == 64 else hashlib.sha1
    return hashed(b"commit %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


def parse_commit(raw: bytes) -> CommitObject:
    """Take apart the bytes of a commit object, without git's own header. Raises `MalformedCommitError`."""
    if len(raw) > LARGEST:
        raise MalformedCommitError(f"is larger than {LARGEST:,} bytes")
    head, end, message = raw.partition(b"\n\n")
    fields = _NEXT_HEADER.split(head)
    names = [field.partition(b" ")[0] for field in fields]
    tree = _TREE.fullmatch(fields[0])
    if tree is None or not end or b"\0" in head:
        raise MalformedCommitError("is no commit")
    parents = _parents(fields)
    if (
        names[len(parents) + 1 : len(parents) + 3] != [b"author", b"committer"]
        or b"parent" in names[len(parents) + 1 :]
    ):
        raise MalformedCommitError("has its headers out of order")
    if any(names.count(name) > 1 for name in _ONCE):
        raise MalformedCommitError("has a header twice")
    digits = len(tree[1])
    return CommitObject(
        hash=commit_hash(raw, digits),
        parents=parents,
        committed_at=_committed_at(fields[len(parents) + 2]),
        payload=b"\n".join(field for field, name in zip(fields, names, strict=True) if not name.startswith(b"gpgsig"))
        + end
        + message,
        signature=_signature(fields, SIGNATURE_HEADERS[digits]),
    )


def _parents(fields: list[bytes]) -> tuple[str, ...]:
    """Those that follow the tree, in their order."""
    found: list[str] = []
    for field in fields[1:]:
        if (parent := _PARENT.fullmatch(field)) is None:
            break
        found.append(parent[1].decode())
    return tuple(found)


def _committed_at(field: bytes) -> int:
    written = _COMMITTER.fullmatch(field)
    if written is None:
        raise MalformedCommitError("does not say when it was made")
    return int(written[1])


def _signature(fields: list[bytes], name: bytes) -> bytes:
    text = next((field for field in fields if field.startswith(name + b" ")), b"").removeprefix(name + b" ")
    if len(text) > LONGEST_SIGNATURE:
        raise MalformedCommitError(f"has a signature of more than {LONGEST_SIGNATURE:,} bytes")
    return text.replace(b"\n ", b"\n") + b"\n" if text else b""
