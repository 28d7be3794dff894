"""What many tests stand on: a small repository of manifests beside a real sandbox on a free port."""

import gc
import os
import queue
import ssl
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn
from zlib import crc32

import hypothesis
import pytest
import requests
import yaml

from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.reconcile.runner import Flags, turn_to_rest
from controller.reconcile.wiring import Inbox, controller
from controller.sandbox.faults.faults import Fault
from controller.sandbox.http.server import Handler
from controller.sandbox.ledger import posts
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from controller.sandbox.render.render import Rendered, RenderOptions
from controller.sandbox.replies import Reply
from controller.settings.settings import Settings
from controller.source.signature import tool
from controller.tree import contents
from controller.tree.declared import document, sets
from controller.tree.git import command
from tests.support.patience import LONGEST
from tests.support.rendering import close_engines, rendered
from tests.support.skips import pytest_sessionfinish, pytest_terminal_summary

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary"]

ACCESS_KEY = "canary-access-key-7f3a"
SECRET_KEY = "canary-secret-access-key-b91c"
CLIENT_SECRET = "canary-client-secret-55d0"

# No test depends on the machine's speed: a loaded machine may take any time for an example.
hypothesis.settings.register_profile("shjobs", deadline=None)
hypothesis.settings.load_profile("shjobs")
command.PATIENCE = tool.PATIENCE = LONGEST

NETS = (contents, document, sets)
"""The modules that make a problem of one document of whatever error that leads to."""

SETTINGS = """\
deployment = "sandbox"
timeScale = 0.005
requestsPerMinute = 100000
deliveryGrace = "60s"

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "{folder}"
"""

NDVI = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata:
  name: {name}
spec:
  request:
    input:
      bounds:
        bbox: [{west}, 35.80, 14.50, 35.90]
      data:
        - type: sentinel-2-l2a
          dataFilter:
            timeRange: {{from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}
    output:
      width: 64
      height: 32
      responses:
        - {{identifier: default, format: {{type: image/tiff}}}}
      delivery:
        s3: {{url: "s3://my-bucket/rasters", credentialsRef: my-bucket}}
    evalscript: |
      //VERSION=3
      function setup() {{
        return {{input: ["B04", "B08"], output: {{bands: 1, sampleType: "FLOAT32"}}}};
      }}
      function evaluatePixel(sample) {{
        return [index(sample.B08, sample.B04)];
      }}
"""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More workers than cores, since many tests wait for an answer, or for time to pass; most of the slow ones do."""
    cores = os.cpu_count() or 1
    return cores + cores // 2 if config.option.markexpr == "not slow" else 2 * cores


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting makes no garbage, and what it leaves stays until the end: neither is searched for any."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    close_engines()


@pytest.fixture(autouse=True, scope="session")
def loud_nets() -> Iterator[None]:
    """An error of ours ends the test that leads to it, whatever net is around it; `test_unforeseen` shows the nets."""

    def raised(error: Exception, *_: object) -> NoReturn:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        for module in NETS:
            patch.setattr(module, "defect", raised)
        yield


def ndvi(name: str = "ndvi", west: float | None = None) -> str:
    """A manifest of a small, quick job, with a request of its own unless two names are given the same `west`."""
    return NDVI.format(name=name, west=west_of(name) if west is None else west)


def west_of(name: str) -> float:
    """A border that differs with the name: equal requests would be paid for once."""
    return 14.40 if name == "ndvi" else round(14.40 + (1 + crc32(name.encode())) / 2**32 * 0.009, 12)


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A repository of manifests, its state, and the sandbox it talks to."""

    root: Path
    sandbox: Sandbox
    environment: Mapping[str, str] = field(repr=False)
    bodies: list[Mapping[str, object]]

    @property
    def jobs(self) -> Path:
        return self.root / "jobs.d"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def bucket(self) -> Path:
        return self.root / "sandbox" / "my-bucket"

    def write(self, path: str, text: str) -> Path:
        """A manifest or a script below jobs.d, put into place at once: a daemon never sees half of it."""
        target = self.jobs / path
        target.parent.mkdir(parents=True, exist_ok=True)
        written = target.with_name(f".{target.name}.new")
        written.write_text(text, encoding="utf-8")
        written.replace(target.resolve())
        return target

    def settings(self, **changed: str) -> Settings:
        """The settings as the command line reads them; `changed` are further variables."""
        return load_settings(self.root / "shjobs.toml", {**self.environment, **changed})

    def sync(self, settings: Settings | None = None) -> dict[str, dict[str, Any]]:
        """Turn the loop to rest; the status documents by job name."""
        inbox: Inbox = queue.SimpleQueue()
        clock = Clock()
        with controller(settings or self.settings(), lambda _news: None, inbox) as (assembly, workers):
            turn_to_rest(assembly.loop, inbox, workers, clock, Flags(inbox))
            return {str(document.get("name")): document for document in assembly.documents(clock.now())}

    def status(self, path: str) -> list[dict[str, Any]]:
        """The documents of a status file."""
        return list(yaml.safe_load_all((self.jobs / path).read_text(encoding="utf-8")))

    def posts(self) -> int:
        """How many POSTs the sandbox has read."""
        return len(posts(self.sandbox.ledger.entries()))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened_workspace(tmp_path) as opened:
        yield opened


@contextmanager
def opened_workspace(tmp_path: Path, run_polls: int = 0) -> Iterator[Workspace]:
    """A workspace in an empty folder, until it is left; each request runs until so many GETs have seen it."""
    folder = tmp_path / "sandbox"
    options = SandboxOptions(
        folder=folder,
        port=0,
        buckets=("my-bucket",),
        keys={ACCESS_KEY: SECRET_KEY},
        client_secret=CLIENT_SECRET,
        requests_per_minute=0,
        run_polls=run_polls,
    )
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "shjobs.toml").write_text(SETTINGS.format(folder=folder), encoding="utf-8")
    bodies: list[Mapping[str, object]] = []

    def noted(body: Mapping[str, object], folder: Path, render_options: RenderOptions) -> Rendered:
        bodies.append(body)
        return rendered(body, folder, render_options)

    with Sandbox(options, renderer=noted) as sandbox:
        environment = {
            "SHJOBS_BASE_URL": sandbox.base_url,
            "SHJOBS_TOKEN_URL": f"{sandbox.base_url}/oauth/token",
            "SHJOBS_CLIENT_ID": "sandbox",
            "SHJOBS_CLIENT_SECRET": CLIENT_SECRET,
            "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": ACCESS_KEY,
            "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": SECRET_KEY,
        }
        yield Workspace(root=tmp_path, sandbox=sandbox, environment=environment, bodies=bodies)


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address at which a stand-in for some server answers; it stops when left."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls is not None:
        # The handshake is then made in the thread of its connection, where its failure ends nothing else.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An object store that speaks S3, believes every key pair, and has no bucket yet."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    requests.post(
        f"http://{host}:{port}/moto-api/reset", timeout=LONGEST
    )  # its buckets belong to the process, not to it
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def gate(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The sandbox holds back what answers a POST until this is set: what is done before is done in time."""
    gate, write = threading.Event(), Handler._write

    def held(handler: Handler, reply: Reply) -> None:
        if reply.delay:
            assert gate.wait(LONGEST)
        write(handler, replace(reply, delay=0))

    monkeypatch.setattr(Handler, "_write", held)
    workspace.sandbox.faults.add(Fault(name="slow-answer"))
    return gate
