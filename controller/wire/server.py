"""A server with limits on its connections: how many at once, how long a request may take, how long a head is.

The daemon's port and the sandbox are built on it. A client that opens connections and sends nothing, or a byte a
second, or never reads the answer, starves no other of descriptors or threads; nor does a shortage end the server.
"""

import errno
import io
import logging
import socket
import socketserver
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

LARGEST_HEAD = 32 * 1024  # bytes of a request line and its headers
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
BRIEFLY = 0.5  # seconds: until the thread of a dropped connection has ended, or descriptors may be free again
SILENCE = 60.0  # seconds between two log lines about the same shortage
SLOW = 1.0  # seconds for which a response may be on its way before its connection counts as idle


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One connection: the deadline of its current step (None: none), and since when its client is waited for.

    The client sends a request, or reads a response; `since` is None while the response is made.
    """

    ends_at: float | None
    since: float | None
    is_sending: bool = False

    def is_idle(self, now: float) -> bool:
        """Whether it may be closed to make room for another connection."""
        return self.since is not None and (not self.is_sending or now - self.since >= SLOW)


class LimitedServer(ThreadingHTTPServer):
    """A thread for each of at most `most` connections; a further one replaces the longest idle.

    Reading a request, or waiting for one, may take `patience` seconds; answering it `answer_patience` more.
    """

    daemon_threads = True
    request_queue_size = 1024  # in a burst that overflows it, each connection waits a second or more
    most = 64
    patience = 10.0
    answer_patience: float | None = 10.0

    def __init__(self, where: tuple[str, int], handler: type["LimitedHandler"]) -> None:
        self._lines: dict[socket.socket, _Line] = {}
        self._changed = threading.Condition()
        self._complained_at = float("-inf")
        super().__init__(where, handler)

    def server_bind(self) -> None:
        """Without the DNS lookup of our own name that the base class makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[Any, Any]:
        """The next connection. If there is no descriptor for it, an idle one is dropped."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in SHORTAGES:
                self._complain(error.strerror or str(error))
                with self._changed:
                    if (idle := self._longest_idle()) is not None:
                        _cut(idle, socket.SHUT_RDWR)
                    self._changed.wait(BRIEFLY)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._is_admitted(request):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except (RuntimeError, MemoryError) as error:
            self._complain(str(error))
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        self.forget(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Periodically, and after each new connection: close those past their deadline."""
        now = time.monotonic()
        with self._changed:
            for connection, line in self._lines.items():
                if line.ends_at is not None and line.ends_at <= now:
                    _cut(connection, socket.SHUT_RDWR)

    def reads(self, connection: socket.socket) -> None:
        """This connection now waits for a request."""
        with self._changed:
            self._lines[connection] = self._new_line()

    def answers(self, connection: socket.socket) -> None:
        """This connection's request was read."""
        longest = self.answer_patience
        ends_at = None if longest is None else time.monotonic() + longest
        with self._changed:
            if connection in self._lines:
                self._lines[connection] = _Line(ends_at=ends_at, since=None)

    def sends(self, connection: socket.socket) -> None:
        """The response of this connection is made, and is now sent."""
        with self._changed:
            if line := self._lines.get(connection):
                self._lines[connection] = replace(line, since=time.monotonic(), is_sending=True)

    def forget(self, connection: socket.socket) -> None:
        """The connection has ended."""
        with self._changed:
            self._lines.pop(connection, None)
            self._changed.notify_all()

    def cut_all(self, how: int = socket.SHUT_RDWR) -> None:
        """End every connection, or one direction of it."""
        with self._changed:
            for connection in self._lines:
                _cut(connection, how)

    def is_idle(self) -> bool:
        """Whether there is no connection."""
        with self._changed:
            return not self._lines

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that went away is not worth a traceback."""
        log.debug("the connection of %s ended", client_address, exc_info=True)

    def _is_admitted(self, request: socket.socket) -> bool:
        with self._changed:
            if len(self._lines) >= self.most:
                if (idle := self._longest_idle()) is None:
                    return False
                _cut(idle, socket.SHUT_RDWR)
                self._changed.wait_for(lambda: len(self._lines) < self.most, BRIEFLY)
                if len(self._lines) >= self.most:
                    return False
            self._lines[request] = self._new_line()
        return True

    def _new_line(self) -> _Line:
        now = time.monotonic()
        return _Line(ends_at=now + self.patience, since=now)

    def _longest_idle(self) -> socket.socket | None:
        """The connection whose client was waited for longest: for a request, or to read a response."""
        now = time.monotonic()
        since = {each: line.since or now for each, line in self._lines.items() if line.is_idle(now)}
        return min(since, key=lambda each: since[each], default=None)

    def _complain(self, words: str) -> None:
        now = time.monotonic()
        if now - self._complained_at >= SILENCE:
            self._complained_at = now
            log.warning("port %s cannot take a connection: %s; it goes on", self.server_port, words)


class LimitedHandler(BaseHTTPRequestHandler):
    """Reads requests within the limits of its server; a subclass calls `self.server.answers` once one is complete."""

    server: LimitedServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 0
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self._reader = _Reader(self.connection.makefile("rb", buffering=0))
        self.rfile = self._reader

    def handle_one_request(self) -> None:
        self._reader.left = LARGEST_HEAD
        self.server.reads(self.connection)
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Refuses also a target that no one could take apart, such as `http://[`."""
        if not super().parse_request():
            return False
        try:
            urlsplit(self.path)
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        return True

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _Reader(io.BufferedReader):
    """Reads lines while any of the head's limit is `left`."""

    left = LARGEST_HEAD

    def readline(self, size: int | None = -1, /) -> bytes:
        longest = self.left + 1 if size is None or size < 0 else min(size, self.left + 1)
        line = super().readline(longest)
        self.left -= len(line)
        if self.left < 0:
            raise LineTooLong("head of the request")
        return line


def _cut(connection: socket.socket, how: int) -> None:
    with suppress(OSError):
        connection.shutdown(how)
