"""ssh-keygen and gpg as they are run here: in a private folder, with no agent, no network and none of our variables."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.model.errors import truncate
from controller.tree.git.program import Ended, ProgramError, find_program, run_program, search_path

PATIENCE = 10.0  # seconds of one call
MOST_OUTPUT = 256 * 1024  # bytes
LARGEST_FILE = 16 * 1024 * 1024  # bytes of a file of keys


class UnverifiableError(Exception):
    """Nothing can be said of any signature; the message says why, for a sentence of its own."""


class SignatureTool:
    """One program, for calls in one folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def run(self, *arguments: str, given: bytes = b"") -> Ended:
        """Run it with `given` on stdin. Raises `UnverifiableError` when it is missing or does not end by itself."""
        program = find_program(self.name)
        if program is None:
            raise UnverifiableError(f"{self.name} is not installed here")
        variables = {"LC_ALL": "C", "TZ": "UTC", "PATH": search_path(), "HOME": str(self.folder)}
        try:
            return run_program([program, *arguments], self.folder, variables, given, PATIENCE, MOST_OUTPUT)
        except ProgramError as error:
            raise UnverifiableError(f"{self.name} {error}") from error

    def remark(self, ended: Ended) -> str:
        """What it said first, in parentheses: foreign text, on one line and cut short."""
        line = ended.said.partition("\n")[0].strip().replace(f"{self.folder}/", "")
        first = "".join(each if each.isprintable() else "?" for each in line)
        return f" ({self.name}: {truncate(first, 160)})" if first else ""

    def write(self, name: str, content: bytes) -> str:
        """Lay a file into the folder, for us alone; answers its path."""
        path = self.folder / name
        try:
            path.touch(mode=0o600)
            path.write_bytes(content)
        except OSError as error:
            raise UnverifiableError(f"no temporary file can be written: {error.strerror}") from error
        return str(path)


@contextmanager
def open_tool(name: str) -> Iterator[SignatureTool]:
    """A program with a private folder, which goes with it. Raises `UnverifiableError` when there can be none."""
    try:
        made = tempfile.TemporaryDirectory(prefix="shjobs-signature-", ignore_cleanup_errors=True)
    except OSError as error:
        raise UnverifiableError(f"no temporary folder can be made: {error.strerror}") from error
    with made as folder:
        yield SignatureTool(name, Path(folder))


def key_file(path: Path, key: str) -> bytes:
    """The content of a file with keys, which the setting `key` names. Raises `UnverifiableError`."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UnverifiableError(f"{key}: {path} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise UnverifiableError(f"{key}: {path} is larger than {LARGEST_FILE:,} bytes")
    return content
