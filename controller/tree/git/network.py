"""Asks a repository elsewhere with git: which commit a ref names, and its objects. The other door to git is `command`.

Git works in a bare folder that the caller made, obeys only the settings given here, speaks only the scheme of the
address, follows no redirect and asks no one for a password. What it may use is bounded by the kernel: the pack that
arrives is one file, so a limit on files is one on the repository. A secret is given by variable, never as an argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controller.tree.git.command import OFF, VARIABLES, GitError
from controller.tree.git.program import ProgramError, Stop, find_program, run_program, search_path

LARGEST_PACK = 512 * 1024 * 1024  # bytes
MOST_MEMORY = 4 * 1024 * 1024 * 1024  # bytes of address space of each program; its maps of packs count too
MOST_PROCESSOR = 600  # seconds of each program
MOST_OUTPUT = 16 * 1024 * 1024  # bytes
SLOW = 1000, 30  # bytes a second, for so many seconds: then an http transfer is given up
# Set by a shell, since Python could only do it between fork and exec, which is not safe beside other threads. A limit
# that cannot be set is one that is lower already.
_LIMITED = '{ ulimit -f "$1"; ulimit -v "$2"; ulimit -t "$3"; } 2>/dev/null; shift 3; exec "$@"'
_BLOCK = 512  # bytes, in which the shell counts
_SETTINGS = {
    "http.followRedirects": "false", "http.sslVerify": "true", "http.saveCookies": "false", "http.delegation": "none",
    "http.lowSpeedLimit": str(SLOW[0]), "http.lowSpeedTime": str(SLOW[1]),
    "transfer.fsckObjects": "true", "fetch.fsckObjects": "true", "fetch.recurseSubmodules": "false",
    "fetch.writeCommitGraph": "false", "fetch.uriProtocols": "", "transfer.bundleURI": "false",
    "fetch.unpackLimit": "1",  # all as one pack, whose size is limited
    "core.bigFileThreshold": "2m", "core.packedGitLimit": "256m", "core.packedGitWindowSize": "32m",
    "pack.threads": "1",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one server is asked. `scheme` is the only one that git may speak.

    `settings` go on git's command line, `variables` into its environment: secrets are among these only.
    """

    scheme: str
    settings: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


class PackTooLargeError(GitError):
    """What the server sent was more than may be taken."""


class Network:
    """Git in the bare folder `folder`, asking one server."""

    def __init__(self, folder: Path, access: Access, stop: Stop, largest: int = LARGEST_PACK) -> None:
        self._folder = folder
        self._access = access
        self._stop = stop
        self._largest = largest

    def refs(self, url: str, *names: str, patience: float) -> dict[str, str]:
        """The hash of each of these refs that the server has; `refs/tags/v1^{}` is the commit of a tag."""
        # Hosts keep a ref for each pull request: thousands that need not be listed.
        kinds = () if "HEAD" in names else ("--heads", "--tags")
        listed = self._ask("ls-remote", "--quiet", *kinds, "--end-of-options", url, *names, patience=patience)
        found = {}
        for line in listed.decode(errors="replace").splitlines():
            commit, _, name = line.partition("\t")
            if name in names:  # git matches the ends of names
                found[name] = commit
        return found

    def fetch(self, url: str, name: str, into: str, *, depth: int, patience: float) -> None:
        """Fetch the last `depth` commits of a ref or a hash; `into` is the ref that names them here."""
        options = ("--quiet", f"--depth={depth}", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        asked = ("--no-auto-maintenance", "--force", "--end-of-options", url, f"{name}:{into}")
        try:
            self._ask("fetch", *options, *asked, patience=patience)
        except GitError as error:
            if any(pack.stat().st_size >= self._largest // _BLOCK * _BLOCK for pack in self._packs()):
                raise PackTooLargeError(f"more than {self._largest:,} bytes") from error
            raise

    def pack(self, commits: list[str], patience: float) -> None:
        """Write one pack of all that these commits hold into the folder."""
        given = "".join(f"{commit}\n" for commit in commits).encode()
        base = str(self._folder / "objects" / "pack" / "pack")
        self._ask("pack-objects", "--quiet", "--revs", base, patience=patience, given=given)

    def commit_of(self, ref: str, patience: float) -> str:
        """The commit that a ref of the folder names, also through a tag."""
        asked = f"{ref}^{{commit}}"
        found = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", asked, patience=patience)
        return found.decode(errors="replace").strip()

    def _packs(self) -> list[Path]:
        return [*(self._folder / "objects" / "pack").glob("*")]

    def _ask(self, *arguments: str, patience: float, given: bytes = b"") -> bytes:
        program = find_program("git")
        if program is None:
            raise GitError("git is not installed here")
        settings = {**OFF, **_SETTINGS, **self._access.settings}
        chosen = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        sizes = (str(self._largest // _BLOCK), str(MOST_MEMORY // 1024), str(MOST_PROCESSOR))  # blocks, KiB, seconds
        limited = ["/bin/sh", "-c", _LIMITED, "sh", *sizes]
        command = [*limited, program, "--no-pager", f"--git-dir={self._folder}", *chosen, *arguments]
        allowed = {"GIT_ALLOW_PROTOCOL": self._access.scheme, "PATH": search_path(), "HOME": str(self._folder)}
        variables = {**VARIABLES, **allowed, **self._access.variables}
        try:
            ended = run_program(command, self._folder, variables, given, patience, MOST_OUTPUT, self._stop)
        except ProgramError as error:
            raise GitError(f"git {arguments[0]} {error}") from error
        if ended.code:
            raise GitError(ended.said or f"git {arguments[0]} ended with {ended.code}")
        return ended.output
