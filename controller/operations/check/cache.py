"""Caches what earlier runs of `shjobs check` found in the user's cache folder, one JSON file per key.

The cache never causes an error: an unreadable entry is a miss, a failed write is ignored. Files are replaced
atomically, so concurrent runs are safe; the least recently used are evicted when there are too many.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import controller

MOST_FILES = 64
MOST_BYTES = 64_000_000


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """`$XDG_CACHE_HOME/shjobs`, else `~/.cache/shjobs`; None when there is no home either."""
    given = Path(environment.get("XDG_CACHE_HOME", ""))
    if given.is_absolute():
        return given / "shjobs"
    home = Path(environment.get("HOME", ""))
    return home / ".cache" / "shjobs" if home.is_absolute() else None


def package_stamp() -> str:
    """Identifies the program: its version and, as a checkout keeps its version, every file of the package."""
    found = sorted(_files(str(Path(controller.__file__).parent)))
    return sha256(f"{controller.__version__} {found}".encode()).hexdigest()


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of every file of the package that a result may depend on."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                found = entry.stat()
                yield entry.path, found.st_size, found.st_mtime_ns
            elif entry.name not in ("__pycache__", "sandbox"):
                yield from _files(entry.path)


class CheckCache:
    """The files of one folder, by key. Without a folder nothing is cached."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "check" if folder else None

    def read(self, key: str) -> Any:
        """The value cached under this key; None when there is none, or it cannot be read."""
        if self._folder is None:
            return None
        file = self._folder / f"{key}.json"
        try:
            found = json.loads(file.read_bytes())
            os.utime(file)  # a read counts as use: the least recently used go first
        except (OSError, ValueError, RecursionError):
            return None
        return found

    def write(self, key: str, value: Any) -> None:
        """Cache a value under this key, readable by this user only."""
        if self._folder is None:
            return
        content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        if len(content) > MOST_BYTES:
            return
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._replace(self._folder / f"{key}.json", content)
            self._make_room()

    def _replace(self, file: Path, content: bytes) -> None:
        with NamedTemporaryFile(dir=file.parent, prefix=".", suffix=".tmp", delete=False) as written:
            temporary = Path(written.name)
            try:
                written.write(content)
                written.close()
                temporary.replace(file)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise

    def _make_room(self) -> None:
        """Delete the least recently used files, including what a killed run left half written."""
        assert self._folder is not None
        files = [(each, each.stat()) for each in self._folder.iterdir() if each.suffix in (".json", ".tmp")]
        files.sort(key=lambda pair: pair[1].st_mtime_ns, reverse=True)
        total = 0
        for number, (file, found) in enumerate(files):
            total += found.st_size
            if number >= MOST_FILES or total > MOST_BYTES:
                file.unlink(missing_ok=True)
