"""The sandbox as a program: `Sandbox` for tests and demos, `run_sandbox` for the command line.

A restart on the same folder continues with the same ledger and buckets. Requests that were running when the previous
program stopped are recorded as failed; a real service would continue them.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from typing import Self

from controller.evalscript import cache as scripts
from controller.model.errors import UsageError
from controller.sandbox.clock import SandboxClock
from controller.sandbox.faults.faults import Faults
from controller.sandbox.http.routes import Context, Routes
from controller.sandbox.http.server import SandboxServer
from controller.sandbox.http.tokens import IssuedTokens
from controller.sandbox.jobs.delivery import remove_tree
from controller.sandbox.jobs.limits import Allowance, RateLimit
from controller.sandbox.jobs.runs import Account, Examine, Renderer, RenderPool, Runs
from controller.sandbox.ledger import SandboxLedger, unfinished
from controller.sandbox.options import SandboxOptions
from controller.sandbox.render.engines import Engines
from controller.sandbox.render.render import RenderOptions

logger = logging.getLogger(__name__)


class Sandbox:
    """A running sandbox, from `start` (or `with`) to `stop`.

    `renderer` and `examine` may be replaced by simpler ones. Raises UsageError when the port is taken or another
    sandbox uses the folder.
    """

    def __init__(
        self, options: SandboxOptions, *, renderer: Renderer | None = None, examine: Examine = scripts.facts
    ) -> None:
        self.options = options
        self.faults = Faults(options.faults, options.seed)
        self._engines = Engines()
        self._pool = RenderPool(
            renderer=renderer or self._engines.render, render_options=_render_options(options), examine=examine
        )
        self._clock = SandboxClock(options.time_scale)
        self._ledger: SandboxLedger | None = None
        self._runs: Runs | None = None
        self._server: SandboxServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """The base URL of the API, without a trailing slash."""
        assert self._server is not None, "the sandbox has not been started"
        return self._server.url

    @property
    def ledger(self) -> SandboxLedger:
        """What happened so far; still readable after `stop`."""
        assert self._ledger is not None, "the sandbox has not been started"
        return self._ledger

    def start(self) -> Self:
        """Opens folder, ledger and port; the server is ready when this returns."""
        self.options.folder.mkdir(parents=True, exist_ok=True)
        self._clock = SandboxClock(self.options.time_scale)
        self._ledger = SandboxLedger(self.options.ledger_path, self._clock.now)
        try:
            self._prepare_folder()
            self._open(self._ledger)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Closes every connection, thread and file; a running render is awaited, what is queued is dropped."""
        if self._server is not None and self._thread is not None:
            self._server.close()
            self._thread.join()
        if self._runs is not None and not self._runs.stop():
            logger.warning("a run did not end in time; it is left behind")
        self._engines.close()
        if self._ledger is not None:
            self._ledger.close()
        self._server = self._thread = self._runs = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepare_folder(self) -> None:
        remove_tree(self.options.scratch)
        self.options.scratch.mkdir()
        if self.options.s3_endpoint is None:
            for name in self.options.buckets:
                (self.options.folder / name).mkdir(exist_ok=True)

    def _open(self, ledger: SandboxLedger) -> None:
        options, clock, entries = self.options, self._clock, ledger.entries()
        allowance = Allowance(options.monthly_units, options.monthly_requests, entries)
        units = RateLimit(options.units_per_minute, clock.seconds)
        account = Account(ledger=ledger, allowance=allowance, units=units)
        self._runs = Runs(options, self._pool, account, self.faults, clock)
        for left in unfinished(entries):
            self._runs.abandon(left.id, left.prefix)
        context = Context(
            options=options,
            runs=self._runs,
            tokens=IssuedTokens(options, clock.real(options.token_life), time.time),
            rate=RateLimit(options.requests_per_minute, clock.seconds),
            units=units,
            token_rate=RateLimit(options.token_requests_per_minute, clock.seconds),
            allowance=allowance,
            faults=self.faults,
            ledger=ledger,
            examine=self._pool.examine,
            clock=clock,
        )
        self._server = _listening(options, Routes(context))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sandbox-server")
        self._thread.start()


def run_sandbox(options: SandboxOptions, *, stop: threading.Event, ready: Callable[[str], None]) -> None:
    """Serves until `stop` is set; `ready` is called with the base URL once the server is ready."""
    with Sandbox(options) as sandbox:
        ready(sandbox.base_url)
        stop.wait()


def _listening(options: SandboxOptions, routes: Routes) -> SandboxServer:
    try:
        return SandboxServer(options, routes)
    except ssl.SSLError as error:
        raise UsageError(f"sandbox: the certificate and its key cannot be used ({error.reason})") from error
    except FileNotFoundError as error:
        raise UsageError(f"sandbox: {error.filename or 'the certificate or its key'} is not there") from error
    except OSError as error:
        place = f"{options.host}:{options.port}"
        raise UsageError(f"sandbox: {place} cannot be used ({error.strerror}); name another with --port") from error


def _render_options(options: SandboxOptions) -> RenderOptions:
    return RenderOptions(
        seed=options.seed,
        full_resolution=options.full_resolution,
        coarse_side=options.coarse_side,
        seconds=options.render_seconds,
        memory=options.render_bytes,
        host=options.profile.host,
        older_ramps=options.older_ramps,
        filter_scenes=options.filter_scenes,
    )
