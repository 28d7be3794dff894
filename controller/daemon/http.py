"""The daemon's port: `/healthz` and `/readyz` for probes, `/metrics` for Prometheus, and a line that names them.

It only reads, and responds from memory, so that a probe never waits for a turn.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from controller.model.errors import UsageError
from controller.model.hosts import Hosts, hosts_of
from controller.wire.server import LimitedHandler, LimitedServer

PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A response."""

    content: bytes
    status: int = 200
    content_type: str = PLAIN


Pages = Mapping[str, Callable[[], Page]]
"""The pages by path."""


class Web:
    """Serves pages from entry to exit, in threads of its own. Raises `UsageError` when the address cannot be used.

    `names` are the host names that a proxy uses for it.
    """

    def __init__(self, listen: str, pages: Pages, names: tuple[str, ...] = ()) -> None:
        host, port = address(listen)
        try:
            self._server = _Server((host, port), pages, hosts_of(host, names))
        except (OSError, ValueError, TypeError) as error:  # the last two for invalid host names
            words = getattr(error, "strerror", None) or error
            advice = "name another with --listen or the setting `listen`; --no-listen opens none"
            raise UsageError(f"listen: {listen} cannot be used ({words}); {advice}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="web", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, as a user types it."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.cut_all()
        self._server.server_close()
        self._thread.join()


def address(listen: str) -> tuple[str, int]:
    """`127.0.0.1:9617` as host and port. Raises `UsageError`."""
    host, separator, port = listen.rpartition(":")
    if not separator or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise UsageError(f"listen: {listen!r} is no address; write host:port, such as 127.0.0.1:9617")
    return host.strip("[]"), int(port)


class _Server(LimitedServer):
    def __init__(self, where: tuple[str, int], pages: Pages, hosts: Hosts) -> None:
        self.pages = pages
        self.hosts = hosts
        super().__init__(where, _Handler)


class _Handler(LimitedHandler):
    server: _Server
    server_version = "shjobs"
    sys_version = ""
    timeout = LimitedServer.patience

    def handle_call(self) -> None:
        """Respond with a page."""
        self.server.answers(self.connection)
        if "content-length" in self.headers or "transfer-encoding" in self.headers:
            self.close_connection = True  # a body is not read, and must not be taken for the next request
        answer = self._page()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):
                self.wfile.write(answer.content)

    do_GET = do_HEAD = handle_call  # noqa: N815

    def end_headers(self) -> None:
        """Adds the headers that keep a browser from misinterpreting a response."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def _page(self) -> Page:
        if refusal := self.server.hosts.refusal(self.headers.get_all("host", [])):
            return Page(content=f"{refusal}; name it in `listenHosts` if it is a proxy's\n".encode(), status=421)
        page = self.server.pages.get(urlsplit(self.path).path)
        return page() if page else Page(content=self._known().encode(), status=404)

    def _known(self) -> str:
        return f"there is {', '.join(self.server.pages)}\n"
