"""Opens the way to the repository: token, key, known hosts and certificates, as git takes them.

A token is in a variable only, never on a command line or the disk. Key and certificates are copied into a private
folder for as long as they are needed: ssh refuses a key that others may read, as a mounted one often can be.
"""

import base64
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from controller.settings.git import GitSource
from controller.source.refusal import SourceError
from controller.tree.git.network import Access
from controller.tree.regular_files import read_regular
from controller.wire.trust import bundle

CONNECT = 15  # seconds
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_SSH_OPTIONS = {
    "BatchMode": "yes", "IdentitiesOnly": "yes", "IdentityAgent": "none", "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": os.devnull, "UpdateHostKeys": "no", "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no", "PreferredAuthentications": "publickey", "ForwardAgent": "no",
    "ForwardX11": "no", "ClearAllForwardings": "yes", "PermitLocalCommand": "no", "ProxyCommand": "none",
    "ControlMaster": "no", "ControlPath": "none", "RequestTTY": "no", "LogLevel": "ERROR",
    "ConnectTimeout": str(CONNECT), "ServerAliveInterval": str(CONNECT), "ServerAliveCountMax": "2",
}  # fmt: skip


@contextmanager
def open_access(source: GitSource) -> Iterator[Access]:
    """How git reaches the repository. Raises `SourceError` for a key that cannot be read, and `OSError`."""
    with tempfile.TemporaryDirectory(prefix="shjobs-source-", ignore_cleanup_errors=True) as name:
        yield _ssh(source, Path(name)) if source.is_ssh else _http(source, Path(name))


def _http(source: GitSource, folder: Path) -> Access:
    variables = {name: value for name, value in os.environ.items() if name.lower() in _PROXIES}
    if source.token is not None:
        pair = f"{source.username}:{source.token.get_secret_value()}"
        header = f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"
        variables |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": header}
    scheme = urlsplit(source.url).scheme
    settings = _trusted(source.authorities, folder) if scheme == "https" else {}
    return Access(scheme=scheme, settings=settings, variables=variables)


def _trusted(authorities: str | None, folder: Path) -> dict[str, str]:
    """The certificates that are trusted: those of all our connections, and those of `caFile`."""
    usual = Path(bundle())
    if usual.is_dir():
        settings, given = {"http.sslCAPath": str(usual)}, authorities
    else:
        # Without a folder of its own, git would load the system's certificates too: half of what a question costs.
        settings, given = {"http.sslCAInfo": str(usual), "http.sslCAPath": str(_empty(folder))}, None
        if authorities:
            given = f"{usual.read_text(encoding='utf-8', errors='replace')}\n{authorities}"
    if given:
        file = folder / "authorities.pem"
        file.write_text(given, encoding="utf-8")
        settings["http.sslCAInfo"] = str(file)
    return settings


def _empty(folder: Path) -> Path:
    empty = folder / "none"
    empty.mkdir()
    return empty


def _ssh(source: GitSource, folder: Path) -> Access:
    key = _copied(source.ssh_key_file, "git.sshKeyFile", folder / "key")
    hosts = _copied(source.known_hosts_file, "git.knownHostsFile", folder / "known_hosts")
    options = {**_SSH_OPTIONS, "IdentityFile": _quoted(key), "UserKnownHostsFile": _quoted(hosts)}
    words = ["ssh", "-F", os.devnull, *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    return Access(scheme="ssh", variables={"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"})


def _copied(file: Path | None, setting: str, copy: Path) -> Path:
    if file is None:
        raise SourceError(f"{setting} is missing: an ssh repository needs it")
    try:
        content = read_regular(file, follow=True)[0]
    except OSError as error:
        raise SourceError(f"{setting}: {file} cannot be read: {error.strerror}") from None
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
    return copy


def _quoted(path: Path) -> str:
    """A path as ssh_config(5) wants it: quoted, since it may hold spaces, and without its percent signs' meaning."""
    return '"{}"'.format(str(path).replace("%", "%%"))
