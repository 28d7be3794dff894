"""A proxy that opens tunnels: it passes the bytes of a CONNECT on to the address that it names."""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.conftest import served


@dataclass(kw_only=True)
class Tunnel:
    """Its address, and the header of each CONNECT."""

    url: str = ""
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


@contextmanager
def tunnel(tls: ssl.SSLContext | None = None) -> Iterator[Tunnel]:
    """`tls`: the proxy itself is reached over TLS."""
    found = Tunnel()

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            found.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            host, _, port = self.path.partition(":")
            with socket.create_connection((host, int(port))) as far:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pass_on, args=(far, self.connection))
                back.start()
                _pass_on(self.connection, far)
                back.join()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    with served(Handler, tls) as url:
        found.url = url
        yield found


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
