"""A git host on loopback: repositories served by `git http-backend`, over https or http, with basic auth and faults."""

import base64
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.certificates import Authority
from tests.support.patience import LONGEST

USER, TOKEN = "git", "canary-token-4be1"


@dataclass(kw_only=True)
class GitHost:
    """What is served from `folder`. `fault` is what becomes of the next requests; `requests` is what was asked.

    Faults: `busy` (503), `redirect`, `gone` (404), `hang`, `drip`, `cut` (half a pack), `corrupt` (a byte of it).
    """

    folder: Path
    url: str = ""
    token: str = TOKEN
    fault: str = ""
    requests: list[str] = field(default_factory=list)
    prefixes: list[bytes] = field(default_factory=list)
    """Of the refs that were asked for."""
    between: list[Callable[[], object]] = field(default_factory=list)
    """Called, each once, before a pack is asked for: what happens while a fetch is under way."""
    closing: threading.Event = field(default_factory=threading.Event)

    def transfers(self) -> int:
        """How often objects were asked for."""
        return sum(each.startswith("POST") and "fetch" in each for each in self.requests)


@contextmanager
def git_host(folder: Path, authority: Authority | None = None) -> Iterator[GitHost]:
    """A host of the bare repositories in a folder: https with a certificate of `authority`, http without one."""
    host = GitHost(folder=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(host))
    server.daemon_threads = True
    if authority is not None:
        context = authority.serves().context()
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    host.url = f"http{'s' if authority else ''}://127.0.0.1:{server.server_port}"
    try:
        yield host
    finally:
        host.closing.set()
        server.shutdown()
        thread.join(LONGEST)
        server.server_close()


def _handler(host: GitHost) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _serve(self, given: bytes) -> None:
            path, _, query = self.path.partition("?")
            is_fetch = b"command=fetch" in given
            host.requests.append(f"{self.command} {path}?{query} {'fetch' if is_fetch else ''}")
            host.prefixes += re.findall(rb"ref-prefix (\S+)", given)
            if is_fetch and host.between:
                host.between.pop(0)()
            expected = base64.b64encode(f"{USER}:{host.token}".encode()).decode()
            if host.token and self.headers.get("Authorization") != f"Basic {expected}":
                return self._plain(401, {"WWW-Authenticate": 'Basic realm="git"'})
            if host.fault in ("busy", "redirect", "gone"):
                status = {"busy": 503, "redirect": 302, "gone": 404}[host.fault]
                return self._plain(status, {"Location": "http://127.0.0.1:9/elsewhere.git"})
            if host.fault == "hang":
                host.closing.wait(LONGEST)
                return None
            status, headers, body = _answered(host.folder, self, path, query, given)
            if is_fetch and host.fault == "corrupt":
                middle = body.index(b"PACK") + (len(body) - body.index(b"PACK")) // 2
                body = body[:middle] + bytes([body[middle] ^ 255]) + body[middle + 1 :]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if is_fetch and host.fault == "cut":
                body = body[: len(body) // 2]
            if is_fetch and host.fault == "drip":
                for place in range(len(body)):
                    self.wfile.write(body[place : place + 1])
                    if host.closing.wait(0.2):
                        return None
            self.wfile.write(body)
            self.close_connection = True
            return None

        def _plain(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler


def _answered(
    folder: Path, asked: BaseHTTPRequestHandler, path: str, query: str, given: bytes
) -> tuple[int, dict[str, str], bytes]:
    variables = {
        "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path,
        "QUERY_STRING": query, "REQUEST_METHOD": asked.command, "CONTENT_LENGTH": str(len(given)), "REMOTE_USER": USER,
        "CONTENT_TYPE": asked.headers.get("Content-Type") or "", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_CONTENT_ENCODING": asked.headers.get("Content-Encoding") or "",
        "GIT_PROTOCOL": asked.headers.get("Git-Protocol") or "", "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
    }  # fmt: skip
    done = subprocess.run(["git", "http-backend"], input=given, env=variables, capture_output=True, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return int(headers.pop("Status", "200").split(" ")[0]), headers, body
