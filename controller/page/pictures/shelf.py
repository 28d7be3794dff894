"""Writes the album: each file at once, within a limit of size, the oldest making room for the newest."""

import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from controller.operations.picture.drawing import Drawing
from controller.page.pictures.album import FOLDER

BLOCK = 4096  # bytes that the smallest file takes
MEGABYTE = 1_000_000
ROOM = 0.9  # of the limit, to which the oldest are removed
_MARK, _PART = ".mark.json", ".part"
_KINDS = ("png", "json")


class Shelf:
    """The folder of the album, written by one thread of one process. `most` is its size in bytes.

    What writes raises `OSError` when the disk does.
    """

    def __init__(self, state: Path, most: int) -> None:
        self._folder = state / FOLDER
        self._most = most
        self._bytes: int | None = None

    @property
    def folder(self) -> Path:
        """The folder, which is there; a state that is not is never made here. Raises `OSError`."""
        self._folder.mkdir(exist_ok=True)
        return self._folder

    def has(self, stem: str) -> bool:
        """Whether it is known how this picture turned out."""
        return (self._folder / f"{stem}.json").exists()

    def put(self, stem: str, drawing: Drawing) -> None:
        """Keep a picture; its legend comes last, so that who finds one finds both."""
        legend = {"width": drawing.width, "height": drawing.height, "legend": drawing.legend.document()}
        self._write(f"{stem}.png", drawing.png)
        self._write(f"{stem}.json", _json(legend))

    def note(self, stem: str, words: str) -> None:
        """Keep why there is no picture."""
        self._write(f"{stem}.json", _json({"note": words}))

    def part(self) -> IO[bytes]:
        """A file without a name, for what is being fetched or drawn."""
        return TemporaryFile(dir=self.folder)

    def mark(self) -> int | None:
        """The event up to which pictures were made; None when that is not known."""
        try:
            found = json.loads((self._folder / _MARK).read_bytes())["event"]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return found if isinstance(found, int) else None

    def set_mark(self, event: int) -> None:
        """Remember that event."""
        self._replace(_MARK, _json({"event": event}))

    def _write(self, name: str, content: bytes) -> None:
        size = max(len(content), BLOCK)
        if self._bytes is None or self._bytes + size > self._most:
            self._bytes = self._make_room(size)
        self._replace(name, content)
        self._bytes += size

    def _replace(self, name: str, content: bytes) -> None:
        part = self.folder / f".{name}{_PART}"
        try:
            part.write_bytes(content)
            part.replace(self._folder / name)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise

    def _make_room(self, size: int) -> int:
        """Remove the oldest pictures, with what was written of them, if this many bytes are too many; what is left."""
        pictures: defaultdict[str, _Files] = defaultdict(_Files)
        for path in self.folder.iterdir():
            stem, _, kind = path.name.partition(".")
            if path.name.endswith(_PART):
                path.unlink(missing_ok=True)
            elif stem and kind in _KINDS:
                pictures[stem].add(path)
        total = sum(each.bytes for each in pictures.values())
        left = self._most if total + size <= self._most else int(self._most * ROOM)
        for each in sorted(pictures.values(), key=lambda each: each.newest):
            if total + size <= left:
                break
            each.remove()
            total -= each.bytes
        return total


@dataclass(slots=True)
class _Files:
    """The files of one picture, the bytes they take, and when the newest was written, in nanoseconds."""

    paths: list[Path] = field(default_factory=list)
    bytes: int = 0
    newest: int = 0

    def add(self, path: Path) -> None:
        with suppress(OSError):
            status = path.lstat()
            self.paths.append(path)
            self.bytes += max(status.st_size, BLOCK)
            self.newest = max(self.newest, status.st_mtime_ns)

    def remove(self) -> None:
        for path in self.paths:
            path.unlink(missing_ok=True)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
