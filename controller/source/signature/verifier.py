"""Says whether a commit carries a good signature of a key that the settings trust; whatever is unclear is refused."""

from collections.abc import Callable
from pathlib import Path

from controller.settings.git import GitSource
from controller.source.signature import gpg, ssh
from controller.source.signature.commit import CommitObject, MalformedCommitError, commit_hash, parse_commit
from controller.source.signature.tool import UnverifiableError

_Kind = tuple[bytes, str, str, Callable[[CommitObject, Path], str]]
_KINDS: tuple[_Kind, ...] = (
    (ssh.BEGINS, "SSH", ssh.SIGNERS_SETTING, ssh.ssh_problem),
    (gpg.BEGINS, "OpenPGP", gpg.KEYRING_SETTING, gpg.gpg_problem),
)
_CERTIFICATE = b"-----BEGIN SIGNED MESSAGE-----"


class Verifier:
    """Knows whose signatures count. The files of keys are read anew for each commit."""

    def __init__(self, source: GitSource) -> None:
        self._files = {ssh.SIGNERS_SETTING: source.allowed_signers_file, gpg.KEYRING_SETTING: source.keyring_file}

    def problem(self, raw: bytes) -> str:
        """Why the commit of these bytes does not count, as a sentence; "" when its signature is good."""
        try:
            commit = parse_commit(raw)
            reason = self._reason(commit)
        except MalformedCommitError as error:
            return f"commit {commit_hash(raw)[:12]} {error}"
        except UnverifiableError as error:
            return f"commit {commit.hash[:12]} cannot be verified: {error}"
        return reason and f"commit {commit.hash[:12]} {reason}"

    def _reason(self, commit: CommitObject) -> str:
        if not commit.signature:
            return "is not signed"
        for begins, name, setting, problem in _KINDS:
            if commit.signature.startswith(begins):
                file = self._files[setting]
                return problem(commit, file) if file else f"is signed with an {name} key, but {setting} is not set"
        if commit.signature.startswith(_CERTIFICATE):
            return "is signed with a certificate (X.509), which is not supported: sign with an SSH or an OpenPGP key"
        return "has a signature of an unknown kind"
