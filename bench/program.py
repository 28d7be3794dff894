"""The real program in a process of its own, looked at from outside: time, memory, processor, and its pages."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.finished import ENVIRONMENT

ROOT = Path(__file__).parent.parent
LONGEST = 300.0  # seconds


class Program:
    """A daemon that runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self.process = process
        self.url = url

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of a page; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self) -> bool:
        assert self.process.poll() is None, "the daemon ended: run.log says why"
        return self.page("/readyz")[0] == 200

    @property
    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def mebibytes(self) -> float:
        """The most memory it ever held."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

    def metric(self, name: str) -> float:
        """The sum of the samples whose lines begin so."""
        lines = self.page("/metrics")[1].splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def seconds_to_stop(self) -> float:
        began = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LONGEST)
        return time.perf_counter() - began


def environment(**changed: str) -> dict[str, str]:
    given = {key: value for key, value in os.environ.items() if not key.startswith("SHJOBS_")}
    return {**given, **ENVIRONMENT, "PYTHONPATH": str(ROOT), **changed}


@contextmanager
def daemon(root: Path, port: int, **changed: str) -> Iterator[Program]:
    """`shjobs run` on a repository, from its start to its end; no pictures are made of results unless it is said."""
    given = environment(**{"SHJOBS_PICTURES": "false", "SHJOBS_LISTEN": f"127.0.0.1:{port}", **changed})
    with (root / "run.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "controller", "run"], cwd=root, env=given, stderr=log)
    try:
        yield Program(process, f"http://127.0.0.1:{port}")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(LONGEST)


def until(holds: Callable[[], bool], pause: float = 0.01, longest: float = LONGEST) -> float:
    """How many seconds it takes until something holds."""
    began = time.perf_counter()
    while not holds():
        if time.perf_counter() - began > longest:
            raise TimeoutError("it never held")
        time.sleep(pause)
    return time.perf_counter() - began


def free_port() -> int:
    """A port for a server that reuses addresses; held until this process ends, so that no other takes it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    port = int(held.getsockname()[1])
    held.detach()  # the descriptor stays open
    return port
