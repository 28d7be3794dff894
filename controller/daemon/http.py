"""The daemon's port: `/healthz` and `/readyz` for probes, `/metrics` for Prometheus, and everything else is the page.

It only reads, but for `hook`, which takes a hint. Probes are answered from memory, so that they never wait for a turn.
"""

import hmac
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

from controller.daemon.hook import GitHook, body_length
from controller.model.errors import UsageError
from controller.model.hosts import Hosts, hosts_of
from controller.page.message import PageRequest, PageResponse, page_request, sentence
from controller.settings.deployments import is_loopback
from controller.settings.settings import Settings
from controller.wire.server import LimitedHandler, LimitedServer

Probes = Mapping[str, Callable[[], PageResponse]]
"""What is answered from memory, by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The page: what responds, the path under which a proxy serves it, and the token that its readers need, if any."""

    respond: Callable[[PageRequest], PageResponse]
    base: str = ""
    token: str = field(default="", repr=False)

    def response(self, target: str, authorization: str, known: str) -> PageResponse:
        """To the target of a GET, with its Authorization, of which each character is a byte, and If-None-Match."""
        given = authorization.encode("latin-1", "replace")
        if self.token and not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            words = "this page needs `Authorization: Bearer` with the token of `pageTokenFile`"
            return sentence(words, HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
        request = page_request(target, self.base, known)
        return request if isinstance(request, PageResponse) else self.respond(request)


def page_token(settings: Settings) -> str:
    """What readers must send; "" when anyone may read. Raises `UsageError` when one is configured and missing."""
    if missing := [each for each in settings.absent if each.startswith("pageToken:")]:
        raise UsageError(missing[0])
    return settings.page_token.get_secret_value() if settings.page_token else ""


def has_private_page(settings: Settings, listen: str) -> bool:
    """Whether only this machine, or who has the token, could read the page. Raises `UsageError` for no address."""
    host, _ = address(listen)
    return settings.page_token is not None or is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}")


class Web:
    """Serves from entry to exit, in threads of its own. Raises `UsageError` when the address cannot be used.

    `names` are the host names that a proxy uses for it; `pages` is None where there is no page, `hook` where nothing is
    fetched.
    """

    def __init__(
        self,
        listen: str,
        probes: Probes,
        names: tuple[str, ...] = (),
        pages: Pages | None = None,
        hook: GitHook | None = None,
    ) -> None:
        host, port = address(listen)
        try:
            self._server = _Server((host, port), probes, pages, hook, hosts_of(host, names))
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
    is_host = host.isprintable() and not set(host) & set("/?#@\\ ")
    if not separator or not host or not is_host or not (port.isascii() and port.isdigit()) or int(port[:6]) > 65535:
        raise UsageError(f"listen: {listen!r} is no address; write host:port, such as 127.0.0.1:9617")
    return host.strip("[]"), int(port)


class _Server(LimitedServer):
    def __init__(
        self, where: tuple[str, int], probes: Probes, pages: Pages | None, hook: GitHook | None, hosts: Hosts
    ) -> None:
        self.probes = probes
        self.pages = pages
        self.hook = hook
        self.hosts = hosts
        super().__init__(where, _Handler)


class _Handler(LimitedHandler):
    server: _Server
    server_version = "shjobs"
    sys_version = ""
    timeout = LimitedServer.patience

    def handle_call(self) -> None:
        """Respond to a GET or HEAD."""
        if self.request_version == "HTTP/0.9":  # it has neither a Host to check nor a status to respond with
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        self.server.answers(self.connection)
        if "content-length" in self.headers or "transfer-encoding" in self.headers:
            self.close_connection = True  # a body is not read, and must not be taken for the next request
        self._send(self._response())

    do_GET = do_HEAD = handle_call  # noqa: N815

    def do_POST(self) -> None:  # noqa: N802  (the name is the library's)
        """Respond to a call of the hook; there is nothing else that takes one."""
        hook = self.server.hook
        if hook is None or not hook.is_at(self.path):
            self.send_error(HTTPStatus.NOT_IMPLEMENTED)
            return
        self.close_connection = True  # a body that is refused is not read
        length = self._host_refusal() or body_length(self.headers)
        if isinstance(length, PageResponse):
            response = length
        elif len(body := self.rfile.read(length)) == length:
            response = hook.response(self.headers, body)
        else:
            return  # it was cut
        self.server.answers(self.connection)
        self._send(response)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse what the base class cannot read, or has no method for, in one sentence."""
        self.server.answers(self.connection)
        self.close_connection = True
        self.request_version = self.protocol_version  # else what has no readable version gets no status line
        if code == HTTPStatus.NOT_IMPLEMENTED:
            words = "everything here is only read: GET or HEAD"
            refused = sentence(words, HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})
        else:
            refused = sentence("this request cannot be read", code if code < 500 else HTTPStatus.BAD_REQUEST)
        with suppress(OSError):
            self._send(refused)

    def end_headers(self) -> None:
        """Adds the headers that keep a browser from misinterpreting a response."""
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def _send(self, response: PageResponse) -> None:
        self.server.sends(self.connection)
        self.send_response(response.status)
        is_bare = response.status == HTTPStatus.NOT_MODIFIED
        headers = {} if is_bare else {"Content-Type": response.content_type, "Content-Length": len(response.content)}
        headers |= {"Cache-Control": "no-cache" if "ETag" in response.headers else "no-store", **response.headers}
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD" and not is_bare:
            with suppress(OSError):
                self.wfile.write(response.content)

    def _host_refusal(self) -> PageResponse | None:
        refusal = self.server.hosts.refusal(self.headers.get_all("host", []))
        return sentence(f"{refusal}; name it in `listenHosts` if it is a proxy's", 421) if refusal else None

    def _response(self) -> PageResponse:
        if refusal := self._host_refusal():
            return refusal
        if probe := self.server.probes.get(urlsplit(self.path).path):
            return probe()
        if self.server.pages is None:
            return sentence(f"there is {', '.join(self.server.probes)}", 404)
        return self.server.pages.response(
            self.path, self.headers.get("authorization", ""), self.headers.get("if-none-match", "")
        )
