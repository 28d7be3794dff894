"""A bad line: a TLS proxy before the sandbox that spoils the answers of chosen POSTs, whether or not they went through.

`outage` puts it between the controller and the sandbox. Every fate is of real sockets: what the controller sees is what
a broken network or a dying gateway would show it.
"""

import http.client
import ipaddress
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Spoil = Callable[[socket.socket], None]
PATIENCE = 20.0


def _corrupt_record(line: socket.socket) -> None:
    """A TLS record that cannot be decrypted; the client raises the same error as for a failed handshake."""
    socket.socket.sendall(line, b"\x17\x03\x03\x00\x20" + b"x" * 32)
    with suppress(OSError):
        line.recv(1)


def _reset(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(line.detach())


SPOILS: Mapping[str, Spoil] = {
    "corrupt-record": _corrupt_record,
    "reset": _reset,
    "closed": lambda _: None,
    "no-http": lambda line: line.sendall(b"nonsense\r\n\r\n"),
    "half-a-status": lambda line: line.sendall(b"HTTP/1.1 20"),
    "half-a-body": lambda line: line.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"id":"0'),
}


class Proxy(ThreadingHTTPServer):
    """Passes calls on to the sandbox at `port`. A POST whose body names a job is spoiled as `fate_of` says.

    `fate_of` answers the spoil and whether the request is passed on before, or None for a good line. The first
    `broken` connections end in the middle of the handshake.
    """

    daemon_threads = False
    request_queue_size = 128

    def __init__(
        self, port: int, tls: ssl.SSLContext, fate_of: Callable[[bytes], tuple[str, bool] | None], *, broken: int
    ) -> None:
        self.target = port
        self.tls = tls
        self.fate_of = fate_of
        self._broken_left = broken
        self._counting = threading.Lock()
        self.read: list[bytes] = []
        """The body of every POST that was read whole."""
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: the handshake, or its end, then the calls."""
        request.settimeout(PATIENCE)
        with suppress(OSError):
            if self._is_broken():
                request.recv(1024)
                return
            with self.tls.wrap_socket(request, server_side=True) as line:
                Handler(line, client_address, self)

    def _is_broken(self) -> bool:
        with self._counting:
            self._broken_left -= 1
            return self._broken_left >= 0


class Handler(BaseHTTPRequestHandler):
    """One connection of one call."""

    server: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.read.append(content)
        fate = self.server.fate_of(content)
        if fate is None:
            self._pass_on(content)
            return
        spoil, is_passed_on = fate
        if is_passed_on:
            self._asked(content)
        SPOILS[spoil](self.connection)
        self.close_connection = True

    def _pass_on(self, content: bytes) -> None:
        status, answer = self._asked(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = True

    def _asked(self, content: bytes) -> tuple[int, bytes]:
        """What the sandbox answers."""
        behind = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=PATIENCE)
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
        try:
            behind.request(self.command, self.path, content or None, headers)
            response = behind.getresponse()
            return response.status, response.read()
        finally:
            behind.close()

    def log_message(self, format: str, *args: Any) -> None:
        """A proof has its own figures."""


@contextmanager
def bad_line(
    port: int, folder: Path, fate_of: Callable[[bytes], tuple[str, bool] | None], *, broken: int
) -> Iterator[Proxy]:
    """A proxy that listens on loopback while inside, with a certificate of its own that this process then believes."""
    pem = _certificate(folder / "line.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    with Proxy(port, tls, fate_of, broken=broken) as proxy, _believed(pem):
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), name="bad-line")
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


@contextmanager
def _believed(pem: Path) -> Iterator[None]:
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    os.environ["REQUESTS_CA_BUNDLE"] = str(pem)
    try:
        yield
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]
        if before is not None:
            os.environ["REQUESTS_CA_BUNDLE"] = before


def _certificate(path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form) + certificate.public_bytes(serialization.Encoding.PEM))
    return path
