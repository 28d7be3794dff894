"""Records of files: the tree compares them with what a walk finds, the ledger stores them.

Files of the kinds in READ are read; SET is a manifest that declares a set, AREA a file with the area of one. BROKEN is
a manifest with problems, FOREIGN a YAML or JSON file that is none, STATUS a status file.
"""

from dataclasses import dataclass
from typing import Protocol

SET = "set"
AREA = "area"
READ = ("manifest", "script", SET, AREA)
USED = ("script", AREA)
"""What manifests name, and which counts only for these."""
BROKEN = "broken"
FOREIGN = "foreign"
STATUS = "status"
_HALF = 1 << 63


class Stat(Protocol):
    """The parts of `os.stat_result` that are compared. Times are in nanoseconds."""

    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...
    @property
    def st_size(self) -> int: ...
    @property
    def st_ino(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """What is stored of a file to detect changes. `path` is relative to the root.

    `kind` is "manifest", "script", "set", "area", "status", or what a restart reads again to report it: "broken", a
    manifest with problems, or "foreign", a file that is no manifest. `uses` names the files a manifest depends on.
    `sha256` is that of the bytes, for a status file that of its documents. A missing file has `size` -1. Times are in
    nanoseconds.
    """

    path: str
    kind: str
    size: int = -1
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    sha256: str = ""
    uses: tuple[str, ...] = ()

    def has(self, found: Stat | None) -> bool:
        """Whether this is the file that was seen, as far as stat shows."""
        if found is None:
            return self.size == -1
        is_same = (
            self.mtime_ns == found.st_mtime_ns
            and self.ctime_ns == found.st_ctime_ns
            and self.size == found.st_size
            and self.inode == found.st_ino
        )
        return is_same or self._numbers() == numbers_of(found)

    def _numbers(self) -> tuple[int, int, int, int]:
        return self.mtime_ns, self.ctime_ns, self.size, self.inode


def numbers_of(found: Stat) -> tuple[int, int, int, int]:
    """What a stat shows, as a record and its row hold it: in 64 bits with a sign.

    A time after 2262 has more, and a number of a file may have.
    """
    shown = found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
    mtime_ns, ctime_ns, size, inode = ((each + _HALF) % (2 * _HALF) - _HALF for each in shown)
    return mtime_ns, ctime_ns, size, inode
