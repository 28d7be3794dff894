"""What fetching and verifying the tree depends on: the programs, and the files that `[git]` names; for `doctor`.

Nothing is fetched here. The programs are asked about the files as they will be when they are needed, so that a key
with a passphrase, or known hosts without the host, is found before the first fetch.
"""

import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from controller.operations.doctor.findings import Diagnosis, fail, ok
from controller.settings.git import GitSource
from controller.source.signature.gpg import KEYRING_SETTING, count_keys
from controller.source.signature.ssh import SIGNERS_SETTING, count_signers
from controller.source.signature.tool import UnverifiableError, key_file, open_tool
from controller.tree.git.command import version
from controller.tree.git.program import find_program

_SSH_PACKAGE = "install OpenSSH's client: without it nothing is read by ssh, and no SSH signature is verified"
_GPG_PACKAGE = "install GnuPG: without it no OpenPGP signature is verified"


def source_diagnoses(source: GitSource, reach: Callable[[GitSource], str] | None = None) -> Iterator[Diagnosis]:
    """What can be said of this source. `reach` asks the repository, and answers the problem, if any."""
    git = version()
    if not git:
        yield fail("repository", f"there is no git here, so {source.url} cannot be fetched", "install git")
    elif reach is not None:
        problem = reach(source)
        yield (
            fail("repository", problem, _reach_advice(source)) if problem else ok("repository", f"{source.url} answers")
        )
    if source.is_ssh:
        yield from _ssh(source)
    if source.verify:
        yield from _signers(source)


def _reach_advice(source: GitSource) -> str:
    return f"check url, ref and {'sshKeyFile' if source.is_ssh else 'tokenFile'} in [git], and any proxy between"


def _ssh(source: GitSource) -> Iterator[Diagnosis]:
    if missing := _ssh_problem():
        yield fail("ssh", *missing)
        return
    yield ok("ssh", "is installed")
    if source.ssh_key_file:
        yield _checked("git.sshKeyFile", source.ssh_key_file, _private_key, "name a private key without a passphrase")
    if source.known_hosts_file:
        advice = "write what `ssh-keyscan` prints for the host, once you have compared it with what the host publishes"
        yield _checked("git.knownHostsFile", source.known_hosts_file, lambda text: _known_host(source, text), advice)


def _ssh_problem() -> tuple[str, str] | None:
    """What keeps ssh and ssh-keygen from running, and what to do."""
    if missing := [name for name in ("ssh", "ssh-keygen") if find_program(name) is None]:
        return f"not installed here: {', '.join(missing)}", _SSH_PACKAGE
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        words = f"the user id {os.getuid()} has no entry in /etc/passwd, and OpenSSH does not run without one"
        return words, "run as a user that has one, as user 10001 of the image has"
    return None


def _signers(source: GitSource) -> Iterator[Diagnosis]:
    if source.allowed_signers_file:
        if missing := _ssh_problem():
            yield fail(SIGNERS_SETTING, *missing)
        else:
            advice = "write lines such as `ann@example.org ssh-ed25519 AAAA…` (ssh-keygen, ALLOWED SIGNERS)"
            yield _checked(SIGNERS_SETTING, source.allowed_signers_file, _some_signers, advice)
    if source.keyring_file:
        if find_program("gpg") is None:
            yield fail(KEYRING_SETTING, "gpg is not installed here", _GPG_PACKAGE)
        else:
            advice = "write what `gpg --export --armor NAME` prints for each whose signature counts"
            yield _checked(KEYRING_SETTING, source.keyring_file, _some_keys, advice)


def _checked(name: str, path: Path, check: Callable[[bytes], str], advice: str) -> Diagnosis:
    """A file of keys; `check` says what it holds, or raises `UnverifiableError` with the problem."""
    try:
        content = key_file(path, name)
    except UnverifiableError as error:
        return fail(name, str(error).removeprefix(f"{name}: "), "mount it there, readable for the user of shjobs")
    try:
        return ok(name, f"{path} {check(content)}")
    except UnverifiableError as error:
        return fail(name, f"{path} {error}", advice)


def _private_key(content: bytes) -> str:
    with open_tool("ssh-keygen") as tool:
        shown = tool.run("-y", "-P", "", "-f", tool.write("key", content))
        if shown.code:
            raise UnverifiableError(f"holds no private key that can be used without a passphrase{tool.remark(shown)}")
    return f"holds a key: {shown.output.decode(errors='replace').split(' ')[0]}"


def _known_host(source: GitSource, content: bytes) -> str:
    host = _host_of(source.url)
    with open_tool("ssh-keygen") as tool:
        found = tool.run("-F", host, "-f", tool.write("known_hosts", content))
    if found.code:
        raise UnverifiableError(f"holds no key of {host}")
    return f"holds a key of {host}"


def _host_of(url: str) -> str:
    """The host as ssh writes it into known hosts: with its port, unless that is 22."""
    if "://" not in url:
        return url.partition("@")[2].partition(":")[0]
    parts = urlsplit(url)
    return f"[{parts.hostname}]:{parts.port}" if parts.port not in (None, 22) else parts.hostname or ""


def _some_signers(content: bytes) -> str:
    return _some(count_signers(content), "SSH public key")


def _some_keys(content: bytes) -> str:
    return _some(count_keys(content), "OpenPGP public key")


def _some(count: int, kind: str) -> str:
    if not count:
        raise UnverifiableError(f"holds no {kind}, so no signature would count")
    return f"holds {count} {kind}{'s' if count > 1 else ''}"
