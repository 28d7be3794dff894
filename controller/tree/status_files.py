"""Status files beside the manifests, or mirrored elsewhere: the loop passes documents, this writes the bytes.

They are an output only. A file is replaced atomically and only when its bytes change, so a reader never sees half
of one and a watcher is woken by real changes only.
"""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any

from controller.model.errors import StateError
from controller.model.job_set import SET_STATUS
from controller.tree.files import SUFFIXES
from controller.tree.regular_files import UnfitFileError, read_regular, resolve_below
from controller.tree.status_text import yaml_bytes

LONGEST_DOCUMENT, LONGEST_OF_SET = 8 * 1024, 16 * 1024
_OURS = tuple(f"apiVersion: shjobs/v1\nkind: {kind}\n".encode() for kind in ("AsyncProcessStatus", SET_STATUS))
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_LARGEST_STATUS = 64 << 20  # bytes
_LONGEST_NAME = 255  # bytes
LONGEST_STEM = _LONGEST_NAME - len("..status.yaml.tmp")
"""How many bytes the name of a manifest may have before its suffix."""
_LIMITS = tuple(product((100, 20, 5), (4000, 2000, 1000, 500, 250, 100)))


def status_path(manifest: str) -> str:
    """`a/ndvi.yaml` → `a/ndvi.status.yaml`."""
    folder, slash, name = manifest.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}.status.yaml"


def has_room(manifest: str) -> bool:
    """Whether the name of the manifest leaves room for that of its status file."""
    name = status_path(manifest).rpartition("/")[2]
    return len(os.fsencode(f".{name}.tmp")) <= _LONGEST_NAME


def manifests_of(status: str) -> set[str]:
    """The manifests that this status file may belong to."""
    return {status.removesuffix(".status.yaml") + suffix for suffix in SUFFIXES}


def status_bytes(documents: Sequence[Mapping[str, Any]]) -> bytes:
    """The file's bytes: one YAML document for each, the same bytes for the same values.

    A document has at most 8 KiB, that of a set 16: of a longer one the longest texts are truncated, then its lists.
    """
    return b"---\n".join(_fitted(document) for document in documents)


def _fitted(document: Mapping[str, Any]) -> bytes:
    rendered = yaml_bytes(document)
    longest = LONGEST_OF_SET if document.get("kind") == SET_STATUS else LONGEST_DOCUMENT
    for items, letters in _LIMITS:
        if len(rendered) <= longest:
            break
        rendered = yaml_bytes(_shortened(document, items, letters))
    return rendered


def _shortened(value: Any, items: int, letters: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= letters else value[: letters - 1] + "…"
    if isinstance(value, Mapping):
        return {key: _shortened(each, items, letters) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(each, items, letters) for each in value[:items]]
    return value


class StatusFiles:
    """The status files of one tree of manifests. `status_dir` mirrors a tree that cannot be written to."""

    def __init__(self, root: Path, status_dir: Path | None = None) -> None:
        self._root = status_dir or root
        self._is_mirror = status_dir is not None

    def path(self, manifest: str) -> Path:
        """The status file of the manifest; `manifest` is relative to the tree."""
        return self._root / status_path(manifest)

    def write(self, manifest: str, documents: Sequence[Mapping[str, Any]], *, ours: bool = False) -> bool:
        """Write the file unless it already holds these bytes; True when it was written.

        A folder that is gone with its manifests is not made again, and nothing outside the tree is written; a manifest
        whose name leaves no room for it has none, which the scan reports. Raises
        `StateError` when the disk refuses, and for a file that shjobs did not write; `ours`: shjobs wrote it, and it
        was edited since.
        """
        if not has_room(manifest):
            return False
        path, content = self.path(manifest), status_bytes(documents)
        try:
            real = self._real(status_path(manifest))
            if real is None:
                raise OSError(errno.ELOOP, "a link leads out of the folder there")
            if self._is_mirror:
                real.parent.mkdir(parents=True, exist_ok=True)
            if _holds(real, content):
                _temporary(real).unlink(missing_ok=True)
                return False
            if not ours and not _is_ours(real):
                raise _foreign(path, manifest)
            return self._put(real, content)
        except OSError as error:
            raise self._unwritable(path, error) from error

    def _put(self, real: Path, content: bytes) -> bool:
        """Whether there is a folder to write it to."""
        try:
            _replace(real, content)
        except (FileNotFoundError, NotADirectoryError):
            if self._is_mirror or real.parent.is_dir():
                raise
            return False
        return True

    def remove(self, manifest: str, *, ours: bool = False) -> None:
        """Remove the status of a manifest that is gone, if shjobs wrote it, and the mirror's empty folders."""
        if not has_room(manifest):
            return
        try:
            real = self._real(status_path(manifest))
            is_ours = real is not None and (ours or _is_ours(real))
            for each in (real, _temporary(real)) if real and is_ours else ():
                with suppress(FileNotFoundError, NotADirectoryError):
                    each.unlink()
        except OSError as error:
            raise self._unwritable(self.path(manifest), error) from error
        if self._is_mirror:
            with suppress(OSError):
                for folder in _folders(manifest):
                    (self._root / folder).rmdir()

    def clear(self, status: str) -> None:
        """Remove a status file whose manifest is gone, if we wrote it; `status` is relative to the tree."""
        try:
            real = self._real(status)
            if real and _is_ours(real):
                real.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(self._root / status, error) from error

    def _real(self, status: str) -> Path | None:
        """The real path of a status file; None: a link leads out of the tree, so nothing behind it is ours."""
        folder, _, name = status.rpartition("/")
        try:
            real = resolve_below(os.path.realpath(self._root), folder)
        except OSError:  # a link to itself
            return None
        return Path(real, name) if real is not None else None

    def check_writable(self) -> None:
        """Raise `StateError` when no status file could be written. A tree that does not exist yet is not an error."""
        probe = self._root / ".shjobs-writable.tmp"
        try:
            if self._is_mirror:
                self._root.mkdir(parents=True, exist_ok=True)
            elif not self._root.exists():
                return
            _replace(probe, b"")
            probe.unlink()
        except OSError as error:
            raise self._unwritable(self._root, error) from error

    def _unwritable(self, path: Path, error: OSError) -> StateError:
        advice = "name another folder with statusDir in the settings (or SHJOBS_STATUS_DIR)"
        return StateError(f"{path}: the status cannot be written: {error.strerror}; {advice}")


def _temporary(path: Path) -> Path:
    """Hidden, not a manifest by its suffix, and always the same: the next write reuses what a crash left."""
    return path.with_name(f".{path.name}.tmp")


def _holds(path: Path, content: bytes) -> bool:
    """Whether a regular file exists and has exactly this content; no link is followed to it."""
    try:
        is_as_long = os.lstat(path).st_size == len(content)  # mostly not: then it need not be opened
        return is_as_long and read_regular(path, len(content))[0] == content
    except (UnfitFileError, FileNotFoundError, NotADirectoryError):
        return False


def _is_ours(path: Path) -> bool:
    """Whether overwriting loses nothing: no file, a status file, or what a machine crash left of one."""
    try:
        content = read_regular(path, _LARGEST_STATUS)[0]
    except (FileNotFoundError, NotADirectoryError):
        return True
    except UnfitFileError:
        return False
    return content.startswith(_OURS) or not content.strip(b"\0")


def _foreign(path: Path, manifest: str) -> StateError:
    return StateError(
        f"{path} was not written by shjobs and is left as it is: rename it, since the status of {manifest} goes there"
    )


def _replace(path: Path, content: bytes) -> None:
    """Not synced: after a machine crash the next scan finds it modified and writes it again."""
    temporary = _temporary(path)
    try:
        descriptor = os.open(temporary, _NEW, 0o666)
    except FileExistsError:
        temporary.unlink()  # what a crash left, or a link placed there, which is not followed
        descriptor = os.open(temporary, _NEW, 0o666)
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123  (not a path)
        while content:
            content = content[file.write(content) :]
    os.replace(temporary, path)  # noqa: PTH105  (makes no further path)


def _folders(manifest: str) -> Iterator[PurePosixPath]:
    """The folders above a manifest, innermost first, without the root."""
    yield from list(PurePosixPath(manifest).parents)[:-1]
