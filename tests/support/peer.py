"""A server that answers from a script, and the service client before it."""

import json
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from pydantic import SecretStr

from controller.model.answers import PostAnswer
from controller.model.timing import Timing
from controller.service.client import Service
from controller.service.oauth import Session
from controller.settings.deployments import DEPLOYMENTS, Deployment
from tests.support.patience import PATIENT

Answer = bytes | Callable[[socket.socket], None]
SECRET = "CANARY/secret+key=="
PAYLOAD = {"input": {}, "output": {"delivery": {"s3": {"accessKey": "CANARY-access", "secretAccessKey": SECRET}}}}


def reply(status: str, body: object = "", headers: str = "") -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text.encode())}\r\n{headers}\r\n{text}".encode()


def wrapped(status: int, message: str, code: str = "", **more: object) -> dict[str, Any]:
    return {"error": {"status": status, "reason": "", "message": message, "code": code, **more}}


class Server:
    """Answers tokens by itself and everything else from the script, one entry for each request."""

    def __init__(self, *script: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        self.tokens = 0
        self.connections = 0
        self._script = list(script)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError):
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            self._open.append(connection)
            with connection, connection.makefile("rb") as stream:
                while self._answer(connection, stream):
                    pass
        plain.close()

    def _answer(self, connection: socket.socket, stream: Any) -> bool:
        head = b""
        while (line := stream.readline()) not in (b"", b"\r\n"):
            head += line
        if not line:
            return False
        text = head.decode(errors="replace")
        lengths = [line.split(":")[1] for line in text.splitlines() if line.lower().startswith("content-length")]
        body = stream.read(int(lengths[0])) if lengths else b""
        if "/oauth/token" in text:
            self.tokens += 1
            connection.sendall(reply("200 OK", {"access_token": f"token-{self.tokens}", "expires_in": 3600}))
            return True
        self.requests.append(text + body.decode())
        answer = self._script.pop(0)
        if isinstance(answer, bytes):
            connection.sendall(answer)
            return "connection: close" not in text.lower()
        answer(connection)
        return False


def at(url: str) -> Deployment:
    return DEPLOYMENTS["sandbox"].model_copy(update={"base_url": url, "token_url": f"{url}/oauth/token"})


def opened(deployment: Deployment, timing: Timing = PATIENT) -> Service:
    return Service(deployment, Session(deployment, "id", SecretStr("CANARY-client"), timing), timing)


def posted(*script: Answer, timing: Timing = PATIENT) -> tuple[PostAnswer, Server]:
    with Server(*script) as server, opened(at(server.url), timing) as service:
        return service.submit(PAYLOAD), server
