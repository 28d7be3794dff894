"""Signed commits, made with real keys by ssh-keygen and gpg, in a real repository."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.settings.git import GitSource
from tests.support.patience import LONGEST

PROGRAMS = {"git": "git", "ssh-keygen": "openssh-client", "gpg": "gnupg"}
COMMITTED_AT = 1_760_000_000  # 2025-10-09


class Signers:
    """People with an SSH and an OpenPGP key each, by name, and a repository whose commits they sign."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.home = folder / "gnupg"
        self.home.mkdir(mode=0o700)
        self.run(["git", "init", "--quiet", "--initial-branch", "main", str(self.repository)])
        self.tree = self.git("mktree", given=b"").strip().decode()

    def run(self, command: Sequence[str | Path], given: bytes = b"") -> bytes:
        """The output of a program, which must succeed."""
        done = self._done(command, given)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _done(self, command: Sequence[str | Path], given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GNUPGHOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "TZ": "UTC",
            **{f"GIT_{who}_{what}": "ann@x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        return subprocess.run(
            command, input=given, cwd=self.folder, env=variables, capture_output=True, timeout=LONGEST, check=False
        )

    def git(self, *arguments: str, given: bytes = b"") -> bytes:
        return self.run(["git", "-C", self.repository, *arguments], given)

    def ssh_key(self, name: str) -> Path:
        """This person's private key; the public one is beside it."""
        key = self.folder / f"{name}.ssh"
        if not key.exists():
            self.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key])
        return key

    def ssh(self, payload: bytes, name: str, namespace: str = "git") -> bytes:
        return self.run(["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", self.ssh_key(name)], payload)

    def allowed(self, line: str, name: str = "ann") -> Path:
        """A file of allowed signers with one line: `line` and the key of this person."""
        file = Path(tempfile.mkstemp(dir=self.folder, suffix=".signers")[1])
        file.write_text(f"# who may sign\n\n{line} {self.ssh_key(name).with_suffix('.ssh.pub').read_text()}")
        return file

    def gpg_key(self, name: str, *options: str, expires: str = "never") -> None:
        user = f"{name} <{name}@x>"
        self.gpg_run(*options, "--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", expires)

    def gpg_run(self, *arguments: str, given: bytes = b"") -> bytes:
        return self.run(["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", *arguments], given)

    def gpg(self, payload: bytes, name: str, *options: str) -> bytes:
        return self.gpg_run(*options, "--armor", "--local-user", f"{name}@x", "--detach-sign", given=payload)

    def keyring(self, *names: str, armored: bool = True) -> Path:
        """The public keys of these people."""
        file = self.folder / f"{'-'.join(names)}.{'asc' if armored else 'gpg'}"
        keys = [self.gpg_run(*(["--armor"] if armored else []), "--export", f"{name}@x") for name in names]
        file.write_bytes(b"".join(keys))
        return file

    def payload(self, *parents: str, message: str = "a change", at: int = COMMITTED_AT) -> bytes:
        """The bytes of an unsigned commit."""
        by = f"ann <ann@x> {at} +0000"
        lines = [f"tree {self.tree}", *(f"parent {each}" for each in parents), f"author {by}", f"committer {by}"]
        return ("\n".join(lines) + f"\n\n{message}\n").encode()

    def keep(self, raw: bytes) -> str:
        """Store a commit; answers its hash."""
        return self.git("hash-object", "-t", "commit", "-w", "--stdin", given=raw).strip().decode()

    def read(self, name: str) -> bytes:
        return self.git("cat-file", "commit", name)

    def has_agent(self) -> bool:
        """Start gpg's agent, for which gpg itself waits only a few seconds; returns whether it runs."""
        return self._done(["gpgconf", "--launch", "gpg-agent"]).returncode == 0

    def git_agrees(self, name: str, signers: Path | None, keyring: Path | None) -> bool:
        """Whether `git verify-commit` accepts this commit with these files."""
        home = Path(tempfile.mkdtemp(dir=self.folder))
        options = ["-c", f"gpg.ssh.allowedSignersFile={signers}"] if signers else []
        variables = {"PATH": os.environ["PATH"], "HOME": str(home), "GNUPGHOME": str(home), "TZ": "UTC"}
        if keyring:
            subprocess.run(["gpg", "--batch", "--import", keyring], env=variables, capture_output=True, check=False)
        command = ["git", "-C", str(self.repository), *options, "verify-commit", name]
        return subprocess.run(command, env=variables, capture_output=True, check=False).returncode == 0


def signed(payload: bytes, signature: bytes, header: str = "gpgsig") -> bytes:
    """The commit with this signature, laid into its header as git does."""
    head, _, message = payload.partition(b"\n\n")
    return head + f"\n{header} ".encode() + signature.strip(b"\n").replace(b"\n", b"\n ") + b"\n\n" + message


def trusting(signers: Path | None = None, keyring: Path | None = None) -> GitSource:
    """Settings that name whose signatures count."""
    return GitSource(url="https://host/path", verify="head", allowed_signers_file=signers, keyring_file=keyring)


@contextmanager
def signers_in_a_short_folder() -> Iterator[Signers]:
    """In a folder whose path is short enough for the sockets of gpg's agent, which is ended."""
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install {package}")
    with tempfile.TemporaryDirectory(prefix="sg-", ignore_cleanup_errors=True) as folder:
        people = Signers(Path(folder))
        try:
            ends_at = time.monotonic() + LONGEST
            while not people.has_agent():
                assert time.monotonic() < ends_at, "gpg's agent does not start"
            yield people
        finally:
            people.run(["gpgconf", "--kill", "all"])
