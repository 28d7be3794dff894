"""The page of a daemon: what it submitted is there, only who may read it gets it, and probes need nothing."""

import json
import time
import urllib.error
import urllib.request
from email.message import Message

import pytest

from controller.cli.settings import load_settings
from controller.daemon.http import has_private_page
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import Running, reaches, running, until
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow
TOKEN = "canary-page-token-31d7"


def asked(daemon: Running, path: str, method: str = "GET", **headers: str) -> tuple[int, Message, str]:
    request = urllib.request.Request(daemon.url + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=LONGEST) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def shown(daemon: Running, path: str, **headers: str) -> tuple[int, Message, str]:
    """The answer once the page has one: on a busy machine its process may be late, which is a 503."""
    ends_at = time.monotonic() + LONGEST
    while (answer := asked(daemon, path, **headers))[0] == 503 and time.monotonic() < ends_at:
        time.sleep(0.1)
    return answer


def test_a_daemon_shows_what_it_does_and_ends_with_its_page(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        reaches(workspace, "Succeeded")
        status, headers, text = shown(daemon, "/jobs.json")
        assert (status, [row["phase"] for row in json.loads(text)["rows"]]) == (200, ["Succeeded"])
        status, headers, text = shown(daemon, "/")
        assert status == 200 and "it runs" in text
        assert headers["X-Content-Type-Options"] == "nosniff" and "Set-Cookie" not in headers
        assert asked(daemon, "/", method="POST")[0] == asked(daemon, "/jobs", method="DELETE")[0] == 405
        assert asked(daemon, "/", Host="attacker.example")[0] == 421
        assert daemon.page("/healthz") == (200, "ok\n")
        assert daemon.stop() == 0


def test_with_a_token_only_who_has_it_reads_the_page(workspace: Workspace) -> None:
    with running(workspace, SHJOBS_PAGE_TOKEN=TOKEN) as daemon:
        for headers in (
            {},
            {"Authorization": "Bearer"},
            {"Authorization": f"Bearer {TOKEN}x"},
            {"Authorization": TOKEN},
        ):
            status, answered, text = asked(daemon, "/", **headers)
            assert (status, answered["WWW-Authenticate"], TOKEN in text) == (401, "Bearer", False)
        status, _, text = shown(daemon, "/", Authorization=f"Bearer {TOKEN}")
        assert (status, TOKEN in text) == (200, False)
        assert daemon.page("/metrics")[0] == 200
        assert TOKEN not in daemon.log


def test_the_settings_may_have_no_page_or_one_below_a_path(workspace: Workspace) -> None:
    with running(workspace, SHJOBS_PAGE="false") as daemon:
        assert daemon.page("/")[0] == daemon.page("/jobs")[0] == 404
        assert daemon.page("/healthz")[0] == 200
    with running(workspace, SHJOBS_BASE_PATH="/shjobs/") as daemon:
        until(lambda: 'href="/shjobs/jobs"' in daemon.page("/shjobs/")[1], "its links are below the path")


@pytest.mark.parametrize(
    ("listen", "changed", "is_private"),
    [
        pytest.param("127.0.0.1:9617", {}, True, id="this machine alone"),
        pytest.param("[::1]:9617", {}, True, id="this machine alone, by IPv6"),
        pytest.param("localhost:9617", {}, True, id="this machine by name"),
        pytest.param("0.0.0.0:9617", {}, False, id="every address"),
        pytest.param("10.0.0.1:9617", {}, False, id="an address of the network"),
        pytest.param("0.0.0.0:9617", {"SHJOBS_PAGE_TOKEN": TOKEN}, True, id="every address, with a token"),
    ],
)
def test_a_page_is_private_on_this_machine_or_with_a_token(
    listen: str, changed: dict[str, str], is_private: bool
) -> None:
    assert has_private_page(load_settings(None, changed), listen) is is_private
