"""The protocol between a process and its engine child: frames of one JSON header and raw planes.

A frame is a 4-byte big-endian length, that many bytes of JSON, then the planes one after the other; the header's
`planes` lists their lengths in bytes. Used by `process` on one side and `child` on the other.
"""

import json
from collections.abc import Mapping, Sequence
from typing import IO, Any, Literal

Plane = bytes | bytearray | memoryview
Header = dict[str, Any]
# The values of FailureKind: the child loads nothing of the model, since it is started for a single script too.
FailureName = Literal["syntax", "setup", "runtime", "timeout", "memory", "crash"]

LARGEST_HEADER = 256 << 20
READY = "ready"  # the step that a child answers as soon as it is up


class FrameError(Exception):
    """The other side ended or sent something else in the middle of a frame."""


def write_frame(stream: IO[bytes], header: Mapping[str, Any], planes: Sequence[Plane] = ()) -> None:
    """Write one frame and flush it. Planes may be any contiguous bytes."""
    raw = [memoryview(plane).cast("B") for plane in planes]
    text = json.dumps({**header, "planes": [len(plane) for plane in raw]}, ensure_ascii=False)
    content = text.encode("utf-8", "replace")  # a script may make texts of half a surrogate pair
    stream.write(len(content).to_bytes(4, "big") + content)
    for plane in raw:
        stream.write(plane)
    stream.flush()


def read_header(stream: IO[bytes]) -> Header | None:
    """The header of the next frame, None when the other side has closed; its planes are still to be read."""
    prefix = stream.read(4)
    if not prefix:
        return None
    length = int.from_bytes(prefix, "big")
    if len(prefix) < 4 or length > LARGEST_HEADER:
        raise FrameError(f"a frame began with {prefix!r}")
    try:
        header = json.loads(read_plane(stream, length))
    except ValueError as error:
        raise FrameError("a frame header is not JSON") from error
    if not isinstance(header, dict):
        raise FrameError("a frame header is not an object")
    return header


def read_plane(stream: IO[bytes], length: int) -> bytearray:
    """The next `length` bytes."""
    plane = bytearray(length)
    fill_plane(stream, memoryview(plane))
    return plane


def fill_plane(stream: IO[bytes], plane: memoryview) -> None:
    """Read directly into `plane`, which may be memory of the script engine."""
    filled = 0
    while filled < len(plane):
        count = stream.readinto(plane[filled:])  # type: ignore[attr-defined]
        if not count:
            raise FrameError(f"the other side closed after {filled} of {len(plane)} bytes")
        filled += count
