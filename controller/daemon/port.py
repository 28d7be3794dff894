"""What the daemon serves on its port: probes and metrics from memory, and the page from a process of its own."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Protocol

from controller.daemon.hook import PATH, GitHook
from controller.daemon.http import Pages, Web, has_private_page, page_token
from controller.daemon.metrics import CONTENT_TYPE, Metrics
from controller.model.hosts import names_in
from controller.page.message import DaemonFacts, PageRequest, PageResponse
from controller.page.pictures.worker import making_pictures
from controller.page.renderer import Renderer
from controller.reconcile.health import Health
from controller.settings.settings import Settings

log = logging.getLogger(__name__)


class Served(Protocol):
    """What is served of the daemon; any thread may read it."""

    health: Health
    metrics: Metrics

    @property
    def settings(self) -> Settings: ...

    def is_alive(self) -> bool: ...

    def why_not_ready(self) -> list[tuple[str, str]]: ...


@contextmanager
def served(listen: str, settings: Settings, daemon: Served, hint: Callable[[], None] | None = None) -> Iterator[None]:
    """The port, if one is configured, from entry to exit.

    `hint` is called, from any thread, when the hook says that something was pushed; None: there is no hook.
    """
    if not listen:
        yield
        return

    def live() -> PageResponse:
        alive = daemon.is_alive()
        words = b"ok\n" if alive else b"the loop has no recent heartbeat\n"
        return PageResponse(content=words, status=200 if alive else 503)

    def readiness() -> PageResponse:
        found = daemon.why_not_ready()
        text = "".join(f"{word}: {sentence}\n" for word, sentence in found) or "ok\n"
        if rejection := daemon.health.rejection:
            text += f"ManifestsRejected: {rejection}\n"
        return PageResponse(content=text.encode(), status=503 if found else 200)

    def metrics() -> PageResponse:
        return PageResponse(content=daemon.metrics.page(), content_type=CONTENT_TYPE)

    probes = {"/healthz": live, "/readyz": readiness, "/metrics": metrics}
    hook = GitHook(secret=lambda: _hook_secret(daemon.settings), hint=hint, base=settings.base_path) if hint else None
    names = names_in(settings.listen_hosts)
    with _pages(settings, listen, daemon) as pages, Web(listen, probes, names, pages, hook) as web:
        shown = f"{settings.base_path}/, " if pages else ""
        taken = f", {PATH}" if hook and _hook_secret(settings) else ""
        log.info("listening at %s (%s%s%s)", web.url, shown, ", ".join(probes), taken)
        yield


def _hook_secret(settings: Settings) -> str:
    secret = settings.git.hook_secret if settings.git else None
    return secret.get_secret_value() if secret else ""


@contextmanager
def _pages(settings: Settings, listen: str, daemon: Served) -> Iterator[Pages | None]:
    """The page, unless the settings have none, or it would be open to other machines without their saying so."""
    if not (has_private_page(settings, listen) if settings.page is None else settings.page):
        if settings.page is None:
            log.info("no page at %s, which other machines can reach: set `pageTokenFile`, or `page`", listen)
        yield None
        return
    with closing(Renderer(settings, settings.base_path)) as renderer, making_pictures(lambda: daemon.settings):

        def respond(request: PageRequest) -> PageResponse:
            return renderer.respond(replace(request, facts=_facts(daemon)))

        yield Pages(respond=respond, base=settings.base_path, token=page_token(settings))


def _facts(daemon: Served) -> DaemonFacts:
    health = daemon.health
    return DaemonFacts(
        unready=tuple(daemon.why_not_ready()),
        rejection=health.rejection,
        scanned_at=health.scanned_at,
        source=health.source,
    )
