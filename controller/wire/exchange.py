"""One connection whose stage is known, with a deadline for the whole exchange.

The service and the buckets are called through an `Exchange`; nothing here retries, follows a redirect or reads netrc.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from controller.wire.deadlines import Watchdog

# The ways a call can fail. Anything else is our bug and is raised.
BROKEN = (OSError, HTTPException, HTTPError, ValueError)
WATCHDOG = Watchdog()


class Exchange(HTTPAdapter):
    """One connection at a time, never retried, that records whether it was established and can be aborted.

    An exception's type does not say whether anything was sent (DEPENDENCIES, "requests and stages"), but `connect`
    does: before it returned, TLS included, no byte of a request was written.
    """

    def __init__(self, authorities: str | None = None) -> None:
        """`authorities`: additional trusted certificates (PEM)."""
        self.was_connected = False
        self.is_hung_up = False
        self._socket: Any = None
        self._authorities = authorities
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        options |= self._tls("ssl_context")
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        is_secure = proxy.lower().startswith("https")
        options |= self._tls("ssl_context", *(["proxy_ssl_context"] if is_secure else []))
        manager = super().proxy_manager_for(proxy, **options)
        if proxy.lower().startswith("socks"):
            self.was_connected = True  # its connections are not ours: anything that fails may have been sent
        else:
            manager.pool_classes_by_scheme = _pools(self)
        return manager

    def _tls(self, *names: str) -> dict[str, Any]:
        """TLS contexts that also trust the authorities; none when there are none to add."""
        contexts = {name: create_urllib3_context() for name in names if self._authorities}
        for context in contexts.values():
            context.load_verify_locations(cadata=self._authorities)
        return contexts

    def connected(self, connection: Any) -> None:
        """Called when a connection is ready for writing."""
        if self.is_hung_up:
            raise TimeoutError("the connection was established too late")
        self.was_connected = True
        self._socket = getattr(connection, "socket", connection)  # TLS inside a TLS proxy is wrapped

    @contextmanager
    def hung_up_after(self, seconds: float) -> Iterator[None]:
        """Bound a whole exchange: a socket's own timeout restarts with every byte received."""
        self.is_hung_up = False
        with WATCHDOG.watching(seconds, self._hang_up):
            yield

    def _hang_up(self) -> None:
        self.is_hung_up = True
        if self._socket is not None:
            with suppress(OSError):
                # Below TLS: the reader must wake up, and nothing more is sent to the other side.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _pools(line: Exchange) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools, with connections that report to `line`."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            line.connected(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            line.connected(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def session_on(line: Exchange, url: str, headers: Mapping[str, str]) -> requests.Session:
    """A session for addresses like `url` that sends everything through `line` and nowhere else; close it."""
    http = _NoRedirects()
    # Plain http is for this machine only: no proxy may forward it.
    http.trust_env = url.startswith("https://")
    http.mount("https://", line)
    http.mount("http://", line)
    http.headers.update(headers)
    return http


class _NoRedirects(requests.Session):
    """requests would follow a redirect, or at least parse its target."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  (the name is requests')
        return None


class Bearer(AuthBase):
    """The token as an `auth`, so that a netrc entry for the host cannot replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
