"""A real sshd on loopback, for this user and one key, not as a service of the machine."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.program import free_port
from tests.support.patience import LONGEST

_RUNTIME = Path("/run/sshd")  # where sshd, run by root, empties itself of rights
_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""


@dataclass(frozen=True, kw_only=True)
class SshHost:
    """`address` is `ssh://user@127.0.0.1:port`; `key` may log in, `known_hosts` names the host's key."""

    address: str
    key: Path
    known_hosts: Path


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True, stdin=subprocess.DEVNULL)
    return path


@contextmanager
def ssh_host(folder: Path) -> Iterator[SshHost]:
    """A host whose files are below `folder`, for as long as the block runs."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("sshd is not installed: apt-get install openssh-server")
    if os.getuid() == 0:
        _RUNTIME.mkdir(mode=0o755, exist_ok=True)
    host_key, key = make_key(folder / "host"), make_key(folder / "key")
    (folder / "authorized").write_text(f"restrict {key.with_suffix('.pub').read_text()}")
    port = free_port()
    (folder / "sshd.conf").write_text(_CONFIG.format(port=port, folder=folder))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key.with_suffix('.pub').read_text()}")
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", folder / "sshd.conf"], stderr=log, stdout=log)
    try:
        _wait_for(port, process, folder / "sshd.log")
        address = f"ssh://{getpass.getuser()}@127.0.0.1:{port}"
        yield SshHost(address=address, key=key, known_hosts=folder / "known_hosts")
    finally:
        process.terminate()
        process.wait(LONGEST)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        assert process.poll() is None, f"sshd ended: {log.read_text()}"
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("sshd never listened")
