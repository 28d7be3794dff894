"""Renders pages in a process of its own, below the loop's priority: however many readers there are, the loop is as
fast as without them. It is started by the first request, and ends after some minutes without one.
"""

import logging
import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from socket import socketpair

from controller.page.message import PageRequest, PageResponse, sentence
from controller.settings.settings import Settings
from controller.wire.environment import bare_environment

log = logging.getLogger(__name__)

PATIENCE = 8.0  # seconds for one page, the start of the process included
IDLE = 300.0  # seconds without a request, after which the process ends
LOWER = 10  # how much lower than the loop's its priority is
MOST_AT_ONCE = 32  # requests that are made or wait: fewer than the port has connections, so that probes find one
BUSY = "the page is busy; try again in a moment"


class Renderer:
    """Responds like a `Site`, from another process; close it when done. Any thread may ask; one page is made at a time.

    `settings` reach the process without their secrets.
    """

    def __init__(self, settings: Settings, base: str = "") -> None:
        self._setting = (settings.without_secrets(), base)
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def respond(self, request: PageRequest) -> PageResponse:
        """The response; 503 when the process does not make it in time, or too many wait for theirs."""
        if not self._slots.acquire(blocking=False):
            return sentence(BUSY, 503)
        try:
            return self._in_turn(request)
        finally:
            self._slots.release()

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _in_turn(self, request: PageRequest) -> PageResponse:
        if not self._lock.acquire(timeout=PATIENCE):
            return sentence(BUSY, 503)
        try:
            return self._asked(request) or self._asked(request) or sentence(BUSY, 503)
        finally:
            self._lock.release()

    def _asked(self, request: PageRequest) -> PageResponse | None:
        """The response; None when the process was or is gone."""
        try:
            connection = self._connected()
            connection.send(request)
            if not connection.poll(PATIENCE):
                log.warning("a page took longer than %g s: %s", PATIENCE, request.path)
                self._end()
                return sentence("this page took too long", 503)
            found = connection.recv()
        except (OSError, EOFError, pickle.UnpicklingError):
            self._end()
            return None
        assert isinstance(found, PageResponse), "the process sends responses"
        return found

    def _connected(self) -> Connection:
        if self._connection is None:
            ours, theirs = socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", f"from {__name__} import main; main({theirs.fileno()})"],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=bare_environment(LANG="C.UTF-8", TZ="UTC"),
                    start_new_session=True,  # Ctrl-C in the terminal is for the daemon, which ends this
                )
            self._connection = Connection(ours.detach())
            self._connection.send(self._setting)
        return self._connection

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        process, self._process = self._process, None
        if connection:
            connection.close()
        if process:
            process.kill()
            process.wait()


def main(number: int) -> None:
    """The process: settings first, then a response for each request, until the other end is closed."""
    from controller.page.links import ServedLinks
    from controller.page.site import Site

    os.nice(LOWER)
    with Connection(number) as connection, suppress(EOFError, OSError):
        settings, base = connection.recv()
        site = Site(settings, ServedLinks(base))
        while connection.poll(IDLE):
            connection.send(site.respond(connection.recv()))
