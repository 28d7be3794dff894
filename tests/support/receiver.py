"""A receiver of messages on loopback that behaves as badly as real ones, and the messages that are sent to it."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import SecretStr

from controller.model.notices.event import Event, Message, Topic
from controller.settings.sinks import Sink, SinkKind

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CANARY = "CANARY-of-a-sink"

Behaviour = Callable[[socket.socket, threading.Event], None]
"""What the receiver does with a connection whose request it has read; the event is set when it is closed."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request."""

    line: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document


def answer(status: int, headers: str = "", body: bytes = b"") -> Behaviour:
    """Answer at once; `headers` are whole lines."""

    def respond(connection: socket.socket, _closing: threading.Event) -> None:
        head = f"HTTP/1.1 {status} Some words {CANARY}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        connection.sendall(head.encode() + body)

    return respond


def hang(_connection: socket.socket, closing: threading.Event) -> None:
    """Never answer."""
    closing.wait()


def drip(connection: socket.socket, closing: threading.Event) -> None:
    """Begin an answer, and send a byte of it now and then, for ever."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
        if closing.wait(0.05):
            return
        connection.sendall(bytes([byte]))


def close(_connection: socket.socket, _closing: threading.Event) -> None:
    """Close the connection without a word."""


def pour(connection: socket.socket, closing: threading.Event) -> None:
    """Say that all is well, and then never stop talking."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not closing.is_set():
        connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


class Receiver:
    """Behaves by `script`, one entry for each request, and by the last of it from then on."""

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.script = list(script or [answer(200)])
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._closing = threading.Event()
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._open):
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/in?key={CANARY}"

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, as they came."""
        with self._lock:
            return [str(each.document["id"]) for each in self.received]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError, ValueError, EOFError):
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            self._open.append(connection)
            with connection, connection.makefile("rb") as stream:
                if (request := _request(stream)) is not None:
                    with self._lock:
                        self.received.append(request)
                        behave = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                    behave(connection, self._closing)
        plain.close()


def _request(stream: Any) -> Received | None:
    """The next request; None, or `EOFError`: its sender died before the end of it."""
    line, headers = _line(stream).strip(), dict[str, str]()
    while text := _line(stream).strip():
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    body = stream.read(length)
    return Received(line=line, headers=headers, body=body) if len(body) == length else None


def _line(stream: Any) -> str:
    """A whole line; raises `EOFError` where there is none."""
    line: bytes = stream.readline(65536)
    if not line.endswith(b"\n"):
        raise EOFError
    return line.decode("latin-1")


def webhook(url: str, **changed: Any) -> Sink:
    """A sink with a secret in its address."""
    return Sink(name="team", kind=SinkKind.WEBHOOK, urls=(SecretStr(url),), **changed)


def event(name: str = "ndvi", topic: Topic = Topic.FAILED, **changed: Any) -> Event:
    """One event of a job."""
    return Event(
        **{
            "id": f"id-of-{name}", "at": NOW, "topic": topic, "message": "the service said no", "subject": name,
            "phase": str(topic).capitalize(), "reason": "ServiceError", "processing_units": 12.5,
            "command": f"shjobs retry {name}", "revision": "1a2b3c4d" * 5, "labels": {"team": "agri"}, **changed,
        }
    )  # fmt: skip


def message(*events: Event, **changed: Any) -> Message:
    """The message that carries these events."""
    given = events or (event(),)
    total = sum(each.processing_units or 0.0 for each in given)
    return Message(
        **{
            "id": given[0].id, "sink": "team", "topic": given[0].topic, "made_at": NOW, "events": given,
            "count": len(given), "processing_units": total, **changed,
        }
    )  # fmt: skip


def wait_until(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until something holds."""
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, what
        time.sleep(0.01)


def canary_in(texts: Iterable[str]) -> list[str]:
    """The texts that repeat the secret of the address."""
    return [each for each in texts if CANARY in each]
