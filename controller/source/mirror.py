"""The objects that were fetched, as a bare repository that only this room writes.

Git itself never writes there: each fetch runs in a folder of its own, which borrows the objects and is removed, and
what arrived is moved over when it is complete. So whatever becomes of a fetch, and whenever it is killed, the
repository is as before or has one pack more.
"""

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.source.layout import INCOMING, write_whole
from controller.tree.git.command import Git, GitError, open_git
from controller.tree.git.repository import Repository

ARRIVED = "refs/incoming/head"
"""Names, in the folder of a fetch, what it brought."""
MOST_PACKS = 20
CHECK = 120.0  # seconds
_SHA256 = 64  # digits
_HASH = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PARTS = (".rev", ".mtimes", ".pack", ".idx")  # git finds a pack by its .idx, which therefore comes last
_HEADER = "# pack-refs with: peeled fully-peeled sorted \n"


class Mirror:
    """The repository in the folder `folder`; fetches run beside it. All methods raise `OSError`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._packs = folder / "objects" / "pack"

    def commits(self) -> frozenset[str]:
        """The commits that are here with all their files."""
        try:
            lines = (self._folder / "packed-refs").read_bytes().splitlines()
        except FileNotFoundError:
            return frozenset()
        return frozenset(_hashes(line.partition(b" ")[0] for line in lines))

    def keep(self, commits: Iterable[str]) -> None:
        """Name these commits, and no others, so that fetches build on them."""
        write_whole(self._folder / "packed-refs", _refs(commits))

    def prepare(self, digits: int) -> None:
        """Make the repository if there is none whose hashes have so many digits."""
        config = self._folder / "config"
        if self._packs.is_dir() and config.exists() and config.read_bytes() == _config(digits).encode():
            return
        self.remove()
        self._packs.mkdir(parents=True)
        (self._folder / "refs").mkdir()
        (self._folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        write_whole(config, _config(digits).encode())

    def remove(self) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)

    @contextmanager
    def incoming(self, digits: int) -> Iterator[Path]:
        """A bare folder for git to write to, which has the objects of this one too."""
        with tempfile.TemporaryDirectory(prefix=INCOMING, dir=self._folder.parent, ignore_cleanup_errors=True) as name:
            folder = Path(name)
            (folder / "objects" / "info").mkdir(parents=True)
            (folder / "refs").mkdir()
            (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
            (folder / "config").write_text(_config(digits), encoding="ascii")
            if self._packs.exists():
                (folder / "objects" / "info" / "alternates").write_text("../../repository/objects\n", encoding="ascii")
                (folder / "packed-refs").write_bytes(_refs(self.commits()))
                if shallow := _shallow(self._folder):
                    (folder / "shallow").write_bytes(_listed(shallow))
            yield folder

    def adopt(self, incoming: Path) -> None:
        """Take over what a fetch brought; kept commits stay as they are."""
        shallow = _shallow(incoming)
        # A commit that is known without its parents must be known as such before it is there, and until they are.
        self._note_shallow(_shallow(self._folder) | shallow)
        self._move_packs(incoming)
        self._note_shallow(shallow)

    def has_many_packs(self) -> bool:
        return sum(1 for _ in self._packs.glob("*.idx")) > MOST_PACKS

    def replace_packs(self, incoming: Path) -> None:
        """Keep only the packs that were made in `incoming`, which hold everything that is kept."""
        new = {each.stem for each in (incoming / "objects" / "pack").iterdir()}
        old = [each for each in self._packs.iterdir() if each.stem not in new]
        self._move_packs(incoming)
        for each in sorted(old, key=lambda part: part.suffix != ".idx"):
            each.unlink()

    def is_damaged(self) -> bool:
        """Whether something that is kept is missing or changed; looks at every byte."""
        commits, packs = sorted(self.commits()), sorted(map(str, self._packs.glob("*.idx")))
        try:
            with self.read() as git:
                if packs:
                    git.ask("verify-pack", "--", *packs, patience=CHECK)
                if commits:
                    git.ask("rev-list", "--objects", "--quiet", *commits, "--", patience=CHECK)
        except GitError:
            return True
        return False

    @contextmanager
    def read(self) -> Iterator[Git]:
        """Access to the objects. Raises `GitError`."""
        here = Repository(top=self._folder, directory=self._folder, common=self._folder)
        with open_git(here) as git:
            yield git

    def _note_shallow(self, commits: set[str]) -> None:
        if commits:
            write_whole(self._folder / "shallow", _listed(commits))
        else:
            (self._folder / "shallow").unlink(missing_ok=True)

    def _move_packs(self, incoming: Path) -> None:
        made = incoming / "objects" / "pack"
        if made.exists():
            for suffix in _PARTS:
                for part in made.glob(f"pack-*{suffix}"):
                    part.replace(self._packs / part.name)


def _config(digits: int) -> str:
    if digits == _SHA256:
        return "[core]\nrepositoryFormatVersion = 1\nbare = true\n[extensions]\nobjectFormat = sha256\n"
    return "[core]\nrepositoryFormatVersion = 0\nbare = true\n"


def _refs(commits: Iterable[str]) -> bytes:
    return (_HEADER + "".join(f"{commit} refs/kept/{commit}\n" for commit in sorted(set(commits)))).encode()


def _shallow(folder: Path) -> set[str]:
    """The commits that are there without their parents."""
    try:
        return set(_hashes((folder / "shallow").read_bytes().split()))
    except FileNotFoundError:
        return set()


def _listed(commits: Iterable[str]) -> bytes:
    return "".join(f"{each}\n" for each in sorted(commits)).encode()


def _hashes(words: Iterable[bytes]) -> Iterator[str]:
    return (word.decode() for word in words if _HASH.fullmatch(word))
