"""The socket side of the sandbox: HTTP/1.1 with keep-alive on a loopback address, one thread per connection.

Independent of the service: a call goes to `Routes`, its reply to the wire. Every reply is written in one piece and
without Nagle's delay, which makes the standard library's server fast enough.
"""

import logging
import re
import socket
import ssl
import struct
import threading
import time
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from controller.model.hosts import hosts_of, origin_refusal
from controller.sandbox.http.routes import PROCESS_PATHS, Call, Routes
from controller.sandbox.options import SandboxOptions
from controller.sandbox.replies import Reply, error_reply
from controller.wire.server import LimitedHandler, LimitedServer

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS = 3.0
_LENGTH = re.compile(r"[0-9]{1,18}")
_AFTERWARDS = 0.05  # seconds until a reply is repeated, when the client is done with the first
_NONSENSE = b"\x17\x03\x03\x00\x20" + b"x" * 32  # a TLS record that cannot be decrypted, and not valid HTTP


class SandboxServer(LimitedServer):
    """Listens from construction on; port 0 picks a free one. `close` ends every connection and thread.

    Raises OSError for a port or a certificate that cannot be used.
    """

    daemon_threads = False
    block_on_close = True
    most = 256
    patience = 120.0
    answer_patience = None  # a fault may delay a reply for as long as it is set to

    def __init__(self, options: SandboxOptions, routes: Routes) -> None:
        self.routes = routes
        self.largest_body = options.largest_body
        self.hosts = hosts_of(options.host)
        self.closing = threading.Event()
        self._tls = _tls_context(options)
        super().__init__((options.host, options.port), Handler)

    @property
    def url(self) -> str:
        """The base URL it listens on."""
        return f"http{'s' if self._tls else ''}://{self.server_name}:{self.server_port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: first the TLS handshake, if any, then the calls."""
        if self._tls is None:
            Handler(request, client_address, self)
            return
        with self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as line:
            self.forget(request)
            self.reads(line)
            try:
                line.settimeout(self.patience)
                line.do_handshake()
                Handler(line, client_address, self)
            finally:
                self.forget(line)

    def pause(self, seconds: float) -> bool:
        """Waits so long, or until the server closes; returns whether it does."""
        return self.closing.wait(min(seconds, threading.TIMEOUT_MAX))

    def close(self) -> None:
        """Stops accepting, lets replies in flight go out, then cuts what is still open; joins every thread."""
        self.shutdown()
        self.closing.set()
        self.cut_all(socket.SHUT_RD)
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while not self.is_idle() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.cut_all()
        self.server_close()


class Handler(LimitedHandler):
    """One connection: reads calls, passes them to the routes, writes replies."""

    server: SandboxServer
    timeout = 120

    def handle_call(self) -> None:
        """Serves one call of any method."""
        if (foreign := self._foreign()) is not None:
            self._refuse(foreign)
            return
        path = _path_in(self.path)
        if path is None:
            self._refuse(error_reply(400, "COMMON_BAD_PAYLOAD", "The target of the request is not an address."))
            return
        if self.command == "POST" and path in PROCESS_PATHS:
            cut = self.server.routes.cut_off_at()
            if cut is not None:
                self.rfile.read(cut)
                self._reset()
                return
        content = self._read_content()
        self.server.answers(self.connection)
        if isinstance(content, Reply):
            self._refuse(content)
            return
        call = Call(method=self.command, path=path, headers=_lowered(self.headers), content=content)
        self._write(self._answer(call))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_call  # noqa: N815

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the base class refuses, in the API's wrapper; a method that it does not know is left to the routes."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self.handle_call()
        else:
            self._refuse(error_reply(code, "COMMON_BAD_PAYLOAD", message or HTTPStatus(code).phrase))
        self.wfile.flush()

    def _refuse(self, reply: Reply) -> None:
        """Replies to what was not read to its end, and closes: what follows on the connection may be the rest of it."""
        self.close_connection = True
        self._write(reply)

    def _foreign(self) -> Reply | None:
        """The refusal of a request made by a web page, before anything in it is processed."""
        hosts = self.headers.get_all("host", [])
        refusal = self.server.hosts.refusal(hosts)
        if not refusal and self.command not in ("GET", "HEAD"):
            origin, site = self.headers.get("origin", ""), self.headers.get("sec-fetch-site", "")
            refusal = origin_refusal("".join(hosts), origin, site)
        return error_reply(403, "COMMON_INSUFFICIENT_PERMISSIONS", f"{refusal.capitalize()}.") if refusal else None

    def _answer(self, call: Call) -> Reply:
        try:
            return self.server.routes.answer(call)
        except Exception:  # the only catch-all of a call: the client gets a 500, the program continues
            logger.exception("%s %s", call.method, call.path)
            return error_reply(500, "COMMON_EXCEPTION", "The sandbox itself failed; its log says why.")

    def _read_content(self) -> bytes | Reply:
        """The body, or the refusal of one whose length cannot be trusted."""
        if "transfer-encoding" in self.headers:
            return error_reply(411, "COMMON_BAD_PAYLOAD", "Send the body with a Content-Length.")
        given, largest = self.headers.get("content-length", "0"), self.server.largest_body
        if not _LENGTH.fullmatch(given):
            return error_reply(400, "COMMON_BAD_PAYLOAD", "The Content-Length is not a number.")
        if largest and int(given) > largest:
            return error_reply(413, "COMMON_BAD_PAYLOAD", f"The body is larger than {largest} bytes.")
        content = self.rfile.read(int(given))
        if len(content) < int(given):
            return error_reply(400, "COMMON_BAD_PAYLOAD", "The body is shorter than its Content-Length.")
        return content

    def _write(self, reply: Reply) -> None:
        if reply.delay:
            self.server.pause(reply.delay)
        if reply.hang_up or reply.garbled:
            self.close_connection = True
        if self.server.closing.is_set():
            self.close_connection = True
        if reply.hang_up:
            return
        if reply.garbled:
            socket.socket.sendall(self.connection, _NONSENSE)  # below TLS, if there is any
            return
        self._send(self._written(reply), reply)
        for _ in range(1, reply.copies):
            self.wfile.flush()
            self.server.pause(_AFTERWARDS)
            self._send(self._written(reply), reply)

    def _written(self, reply: Reply) -> bytes:
        """The reply as it is on the wire."""
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", "Server: sandbox"]
        lines.append(f"Date: {self.date_time_string()}")
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines.append("X-Content-Type-Options: nosniff")
        lines += [f"Content-Type: {reply.content_type}", f"Content-Length: {len(reply.content)}"]
        if self.close_connection:
            lines.append("Connection: close")
        content = b"" if self.command == "HEAD" else reply.content
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content

    def _send(self, raw: bytes, reply: Reply) -> None:
        if reply.drip:
            for place in range(len(raw)):
                self.wfile.write(raw[place : place + 1])
                self.wfile.flush()
                if self.server.pause(reply.drip):
                    self.close_connection = True
                    return
            return
        self.wfile.write(raw if reply.cut_at is None else raw[: reply.cut_at])
        if reply.cut_at is not None:
            self.wfile.flush()
            self._reset()

    def _reset(self) -> None:
        """Ends the connection with a reset instead of an orderly shutdown."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


def _path_in(target: str) -> str | None:
    """The path of the target of a request; None for a target that is no address."""
    try:
        return unquote(urlsplit(target).path)
    except ValueError:
        return None


def _tls_context(options: SandboxOptions) -> ssl.SSLContext | None:
    if options.tls_certificate is None or options.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls_certificate, options.tls_key)
    return context


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
