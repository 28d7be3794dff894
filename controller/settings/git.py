"""`[git]` of shjobs.toml: where the controller fetches its tree of manifests, and whose signatures count (DESIGN §15).

`WrittenGit` is what the user writes, `GitSource` the same with paths resolved and secrets read. Pure.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from controller.model.timing import seconds_of
from controller.settings.deployments import is_loopback
from controller.settings.values import FROZEN, FilePath, TimeBetween

_SSH_FORM = re.compile(r"(?P<user>[A-Za-z0-9._-]+)@(?P<host>[A-Za-z0-9.-]+):(?P<path>[^\s:][^\s]*)")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/@+-]*")
CURRENT = Path("source", "current")
"""The link, below the state directory, to the tree that is in force."""
GIT_SECRETS = ("token", "hookSecret")
"""Each in the file named by `<key>File`."""


def _repository_url(text: str) -> str:
    if _SSH_FORM.fullmatch(text):
        return text
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        raise ValueError("is not a URL; write it like https://host/path or ssh://git@host/path") from None
    host = url.hostname or ""
    if url.scheme not in ("https", "ssh", "http") or not host or host.startswith("-") or not url.path.strip("/"):
        raise ValueError("must be https://host/path, ssh://git@host/path or git@host:path")
    if not text.isprintable() or any(each.isspace() for each in text) or url.query or url.fragment:
        raise ValueError("must hold no spaces, '?' or '#'; write it like https://host/path")
    if url.password is not None or (url.username is not None and url.scheme != "ssh"):
        raise ValueError("must hold no user or password: name the token's file in tokenFile, and its user in username")
    if url.scheme == "http" and not is_loopback(text):
        raise ValueError("plain http is only allowed to this machine (127.0.0.1, localhost); write https://")
    return text


def _ref(text: str) -> str:
    if not _REF.fullmatch(text) or ".." in text or "@{" in text or text.endswith((".", "/", ".lock")) or "//" in text:
        raise ValueError("must be the name of a branch or a tag, or the full hash of a commit")
    return text


def _folder_of_repository(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or ".git" in path.parts or not text.isprintable():
        raise ValueError('must be a folder of the repository, such as "jobs.d", or "." for all of it')
    return path.as_posix()


class WrittenGit(BaseModel):
    """`[git]` as the user writes it."""

    model_config = FROZEN

    url: Annotated[str, AfterValidator(_repository_url)] = Field(
        description="The repository: https://…, ssh://git@… or git@host:path; `run` and `sync` fetch from it."
    )
    ref: Annotated[str, AfterValidator(_ref)] | None = Field(
        None, description="Branch, tag or full commit hash; unset: the default branch of the repository."
    )
    path: Annotated[str, AfterValidator(_folder_of_repository)] = Field(
        "jobs.d", description="Folder of the manifests in the repository; nothing else of it is written to the disk."
    )
    every: TimeBetween = Field("60s", description="How often the repository is asked for a new commit.")
    username: str = Field(
        "git", min_length=1, pattern=r"^[!-~]+$", description="User that belongs to the token, if the host checks it."
    )
    token_file: FilePath | None = Field(None, description="File that holds the token, for https.")
    ssh_key_file: FilePath | None = Field(None, description="File of the private key, for ssh; without a passphrase.")
    known_hosts_file: FilePath | None = Field(None, description="File with the host's public key, for ssh.")
    hook_secret_file: FilePath | None = Field(
        None, description="File that holds the secret of the webhook; with it, `POST /hooks/git` is taken as a hint."
    )
    verify: Literal["head", "since"] | None = Field(
        None,
        description="`head`: the commit must have a valid signature; `since`: so must every commit since the last "
        "one that was verified. Unset: signatures are not looked at.",
    )
    allowed_signers_file: FilePath | None = Field(
        None, description="SSH keys whose signatures count, in the format of ssh-keygen's ALLOWED SIGNERS."
    )
    keyring_file: FilePath | None = Field(None, description="OpenPGP public keys whose signatures count.")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """Where the tree comes from, with paths resolved and secrets read. `every` is in seconds.

    `authorities` are additional trusted certificates (PEM), those of `caFile`.
    """

    url: str
    ref: str | None = None
    path: str = "jobs.d"
    every: float = 60.0
    username: str = "git"
    token: SecretStr | None = None
    ssh_key_file: Path | None = None
    known_hosts_file: Path | None = None
    hook_secret: SecretStr | None = None
    verify: Literal["head", "since"] | None = None
    allowed_signers_file: Path | None = None
    keyring_file: Path | None = None
    authorities: str | None = field(default=None, repr=False)

    @property
    def is_ssh(self) -> bool:
        return not self.url.startswith(("https://", "http://"))

    def without_secrets(self) -> "GitSource":
        return replace(self, token=None, hook_secret=None)


def contradictions_of_git(table: Mapping[str, Any]) -> Iterator[str]:
    """Errors that involve more than one key of `[git]`, or another setting. `table` is the whole file."""
    git = table.get("git")
    if not isinstance(git, dict):
        return
    if "jobs" in table:
        yield "jobs: is set together with [git]; the folder of the repository is git.path"
    is_ssh = isinstance(git.get("url"), str) and not git["url"].startswith(("https://", "http://"))
    if is_ssh and "tokenFile" in git:
        yield "git.tokenFile: is for https; an ssh repository is read with git.sshKeyFile"
    for key in ("sshKeyFile", "knownHostsFile"):
        if not is_ssh and key in git:
            yield f"git.{key}: is for ssh; an https repository is read with git.tokenFile"
        if is_ssh and key not in git:
            yield f"git.{key}: is missing; an ssh repository needs sshKeyFile and knownHostsFile"
    if "verify" in git and not {"allowedSignersFile", "keyringFile"} & git.keys():
        yield "git.verify: no signature would count; name git.allowedSignersFile (SSH) or git.keyringFile (GPG)"
    if "verify" not in git and {"allowedSignersFile", "keyringFile"} & git.keys():
        yield 'git.verify: is missing, so signatures would not be looked at; write verify = "head" or "since"'


def settled_git(written: WrittenGit, base: Path, secrets: Mapping[str, str], authorities: str | None) -> GitSource:
    """`written` with its paths resolved against `base`. `secrets` are all that were found, by key."""

    def path(name: str | None) -> Path | None:
        return base / name if name else None

    token, hook_secret = (secrets.get(f"git.{key}") for key in ("token", "hookSecret"))
    return GitSource(
        url=written.url,
        ref=written.ref,
        path=written.path,
        every=seconds_of(written.every),
        username=written.username,
        token=SecretStr(token) if token else None,
        ssh_key_file=path(written.ssh_key_file),
        known_hosts_file=path(written.known_hosts_file),
        hook_secret=SecretStr(hook_secret) if hook_secret else None,
        verify=written.verify,
        allowed_signers_file=path(written.allowed_signers_file),
        keyring_file=path(written.keyring_file),
        authorities=authorities,
    )
