"""The daemon and `shjobs page` make pictures and serve them; the export has them as files."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.page.export import export_pages
from controller.page.pictures.worker import make_pictures
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import running, until
from tests.page.pictures.test_worker import pictures
from tests.support.paths import ROOT
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow
PNG = b"\x89PNG\r\n\x1a\n"


def fetched(url: str, address: str) -> tuple[str, bytes]:
    """Its type and its first bytes; asked again while the page's process is too slow for one reader."""
    ends_at = time.monotonic() + LONGEST
    while True:
        try:
            with urllib.request.urlopen(f"{url}/{address}", timeout=LONGEST) as answer:
                return answer.headers["Content-Type"], answer.read(8)
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > ends_at:
                raise
        time.sleep(0.1)


def test_the_daemon_makes_them_and_stops_without_waiting_for_them(workspace: Workspace) -> None:
    with running(workspace, SHJOBS_PICTURES="true") as daemon:
        workspace.write("ndvi.yaml", ndvi())
        until(lambda: pictures(workspace)[0].address, "there is a picture")
        assert fetched(daemon.url, pictures(workspace)[0].address) == ("image/png", PNG)
        assert daemon.stop() == 0
    assert "Traceback" not in daemon.log


@contextmanager
def shown(workspace: Workspace) -> Iterator[str]:
    """The address of `shjobs page`, until it is left."""
    environment = {**os.environ, **workspace.environment, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-u", "-m", "controller", "page", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=workspace.root, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        try:
            assert found
            yield found[0]
        finally:
            process.terminate()
            assert process.wait(LONGEST) == 0


def test_the_page_without_a_daemon_makes_them_too(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    with shown(workspace) as url:
        until(lambda: pictures(workspace)[0].address, "there is a picture")
        assert fetched(url, pictures(workspace)[0].address) == ("image/png", PNG)


def test_the_export_has_them_as_files(workspace: Workspace, tmp_path: Path) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync()
    make_pictures(workspace.settings())
    export_pages(workspace.settings(), tmp_path / "out")
    assert (tmp_path / "out" / "page" / pictures(workspace)[0].address).read_bytes().startswith(PNG)
