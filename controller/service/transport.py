"""How a call travels: one connection whose stage is known, within a deadline that holds for the whole exchange.

`Service` sends everything through a `Line`; nothing here retries, follows a redirect or reads netrc.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from controller.deployments import Deployment
from controller.service.watchdog import Watchdog

NETWORK = (OSError, HTTPException, HTTPError)
# What a call can die of. Anything else is a mistake of ours and goes up.
BROKEN = (*NETWORK, ValueError)
WATCHDOG = Watchdog()


class Line(HTTPAdapter):
    """One connection at a time, never retried, that knows whether it ever stood and can be hung up.

    An exception's type does not say whether anything was sent (DEPENDENCIES, "requests and stages"), so `connect`
    says it: before it returned, TLS included, no byte of a request was written.
    """

    def __init__(self) -> None:
        self.stood = False
        self.is_hung_up = False
        self._socket: Any = None
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if proxy.lower().startswith("socks"):
            self.stood = True  # its connections are not ours to watch: whatever fails there may have been sent
        else:
            manager.pool_classes_by_scheme = _pools(self)
        return manager

    def stands(self, connection: Any) -> None:
        """A connection is ready to be written to."""
        if self.is_hung_up:
            raise TimeoutError("the connection stood too late")
        self.stood = True
        self._socket = getattr(connection, "socket", connection)  # TLS inside a TLS proxy is wrapped

    @contextmanager
    def hung_up_after(self, seconds: float) -> Iterator[None]:
        """Bound a whole exchange: a socket's own timeout begins anew with every byte that drips in."""
        self.is_hung_up = False
        with WATCHDOG.watching(seconds, self._hang_up):
            yield

    def _hang_up(self) -> None:
        self.is_hung_up = True
        if self._socket is not None:
            with suppress(OSError):
                # Below TLS: the reader must wake up, and nothing more is said to the other side.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _pools(line: Line) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools, with connections that report to `line`."""

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            line.stands(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            line.stands(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def session_on(line: Line, deployment: Deployment, user_agent: str) -> requests.Session:
    """A session that sends everything through `line` and leads nowhere else; close it when done."""
    http = _NoRedirects()
    # Plain http is for this machine only: no proxy may carry it elsewhere.
    http.trust_env = deployment.base_url.startswith("https://")
    http.mount("https://", line)
    http.mount("http://", line)
    http.headers.update({"User-Agent": user_agent, "Accept": "application/json"})
    return http


class _NoRedirects(requests.Session):
    """requests would follow, or at least examine, where a redirect leads."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  (the name is requests')
        return None


class Bearer(AuthBase):
    """The token as an `auth`, so that a netrc entry for the host cannot take its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request
