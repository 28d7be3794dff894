"""The daemon's port: `/healthz` and `/readyz` for probes, `/metrics` for Prometheus, and a line that says so.

It only reads, and answers from memory, so that a probe never waits for a turn.
"""

import logging
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from controller.errors import UsageError

log = logging.getLogger(__name__)
PLAIN = "text/plain; charset=utf-8"
PATIENCE = 10.0  # seconds for a client that says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer."""

    content: bytes
    status: int = 200
    content_type: str = PLAIN


Pages = Mapping[str, Callable[[], Page]]
"""What is answered, by path."""


class Web:
    """Serves pages from entry to exit, in threads of its own. Raises `UsageError` when the address cannot be used."""

    def __init__(self, listen: str, pages: Pages) -> None:
        host, port = address(listen)
        try:
            self._server = _Server((host, port), pages)
        except OSError as error:
            raise UsageError(
                f"listen: {listen} cannot be used ({error.strerror or error}); name another address, or none"
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="web", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, as a person types it."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def address(listen: str) -> tuple[str, int]:
    """`127.0.0.1:9617` as host and port. Raises `UsageError`."""
    host, separator, port = listen.rpartition(":")
    if not separator or not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"listen: {listen!r} is no address; write host:port, such as 127.0.0.1:9617")
    return host.strip("[]"), int(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, where: tuple[str, int], pages: Pages) -> None:
        self.pages = pages
        super().__init__(where, _Handler)

    def server_bind(self) -> None:
        """Without asking a name server who we are, as the base class would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that went away is not worth a traceback."""
        log.debug("a client of the web port went away", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "shjobs"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = PATIENCE

    def do_GET(self) -> None:
        page = self.server.pages.get(urlsplit(self.path).path)
        answer = page() if page else Page(content=self._known().encode(), status=404)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):
                self.wfile.write(answer.content)

    do_HEAD = do_GET  # noqa: N815

    def _known(self) -> str:
        return f"there is {', '.join(self.server.pages)}\n"

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)
