"""One connection whose stage is known, with a deadline for the whole exchange.

The service and the buckets are called through an `Exchange`, which is urllib3 with the environment read as requests
reads it; nothing here retries, follows a redirect, keeps a cookie or reads netrc.
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPException
from typing import Any, cast
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from controller.wire.deadlines import Watchdog
from controller.wire.routes import pool_to

# The ways a call can fail. Anything else is our bug and is raised.
BROKEN = (OSError, HTTPException, HTTPError, ValueError)
WATCHDOG = Watchdog()
_NEVER = Retry(0, read=False)


class Exchange:
    """One connection to a host at a time, never retried, that records whether it was established and can be aborted.

    An exception's type does not say whether anything was sent: a broken TLS record after a whole request raises what
    a failed handshake raises. But `connect` does: before it returned, TLS included, no byte of a request was written.
    The connection is kept for the next request, unless either side says `Connection: close`.
    """

    def __init__(self, url: str, authorities: str | None = None) -> None:
        """For URLs that begin with the host of `url`. `authorities`: additional trusted certificates (PEM)."""
        self.was_connected = False
        self.is_hung_up = False
        self._url = url
        self._authorities = authorities
        self._socket: Any = None
        self._opening: socket.socket | None = None
        self._pool: HTTPConnectionPool | None = None

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        timeouts: tuple[float, float],
        body: bytes | None = None,
    ) -> BaseHTTPResponse:
        """Send one request, and return as soon as the headers of its response were read; close the response.

        `timeouts`: seconds to connect, and seconds between two bytes of the response. Raises one of `BROKEN`.
        """
        connect, read = timeouts
        try:
            self._pool = self._pool or self._opened()
            response = self._pool.urlopen(
                method,
                _target(url),
                body=body,
                headers=headers,
                retries=_NEVER,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(connect=connect, read=read),
                preload_content=False,
                decode_content=False,
            )
            if self.is_hung_up:
                response.close()
                raise TimeoutError("the headers of the response broke off")  # what urllib3 takes for their end
            return response
        except BaseException:
            self.close()  # the next request looks for proxy and certificates anew
            raise

    def close(self) -> None:
        """Close its connection; a later request opens another."""
        self._forget_opening()
        pool, self._pool = self._pool, None
        if pool is not None:
            with suppress(*BROKEN):
                pool.close()

    def opening(self, connection: socket.socket) -> None:
        """Called when a connection was made, before a proxy is asked for its tunnel and before TLS.

        TLS takes the socket over, so another handle on it is kept until that is done.
        """
        self._opening = connection.dup()
        if self.is_hung_up:
            raise TimeoutError("the connection was established too late")

    def connected(self, connection: Any) -> None:
        """Called when a connection is ready for writing."""
        self._socket = getattr(connection, "socket", connection)  # TLS inside a TLS proxy is wrapped
        self._forget_opening()
        if self.is_hung_up:
            raise TimeoutError("the connection was established too late")
        self.was_connected = True

    @contextmanager
    def hung_up_after(self, seconds: float) -> Iterator[None]:
        """Bound a whole exchange: a socket's own timeout restarts with every byte received."""
        self.is_hung_up = False
        with WATCHDOG.watching(seconds, self._hang_up):
            yield

    def _hang_up(self) -> None:
        self.is_hung_up = True
        for each in (self._socket, self._opening):
            if each is not None:
                with suppress(OSError):
                    # Below TLS: the reader must wake up, and nothing more is sent to the other side.
                    socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _forget_opening(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.close()

    def _opened(self) -> HTTPConnectionPool:
        pool = pool_to(self._url, self._authorities)
        ours: Any = {HTTPConnection: _Plain, HTTPSConnection: _Secure}
        if pool.ConnectionCls in ours:
            pool.ConnectionCls = cast("Any", partial(ours[pool.ConnectionCls], self))
        else:
            self.was_connected = True  # a SOCKS proxy's do not report: anything that fails may have been sent
        return pool


class KeptExchanges:
    """Exchanges with one host that are kept for the next call. Threads come and go, so they belong to none of them."""

    def __init__(self, url: str, authorities: str | None = None) -> None:
        """See `Exchange`."""
        self._url = url
        self._authorities = authorities
        self._idle: list[Exchange] = []
        self._lock = threading.Lock()
        self._is_closed = False

    @contextmanager
    def one(self) -> Iterator[Exchange]:
        """The one that was used last, or a new one if all are in use."""
        with self._lock:
            found = self._idle.pop() if self._idle else Exchange(self._url, self._authorities)
        try:
            yield found
        finally:
            with self._lock:
                if self._is_closed:
                    found.close()
                else:
                    self._idle.append(found)

    def close(self) -> None:
        """Close their connections; one that is in use is closed after its call."""
        with self._lock:
            self._is_closed = True
            while self._idle:
                self._idle.pop().close()


class _Plain(HTTPConnection):
    """A connection that reports to its exchange."""

    def __init__(self, exchange: Exchange, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._exchange = exchange

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._exchange.opening(connection)
        return connection

    def connect(self) -> None:
        super().connect()
        self._exchange.connected(self.sock)


class _Secure(_Plain, HTTPSConnection):
    """The same over TLS."""


def _target(url: str) -> str:
    """What a request line names."""
    place = urlsplit(url)
    return f"{place.path or '/'}{f'?{place.query}' if place.query else ''}"
