"""No secret is in a page, its JSON, a picture, a refusal, or in the process that renders them."""

import base64
import pickle
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from pydantic import SecretStr

from controller.page.message import PageRequest, PageResponse
from controller.page.renderer import Renderer
from tests.conftest import ACCESS_KEY, CLIENT_SECRET, SECRET_KEY
from tests.page.conftest import ReachedIn, SiteOf, StateOf
from tests.support.page_server import get, serving
from tests.support.page_states import REMOTE
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow

TOKEN = "canary-page-token-41d7"
REMOTE_PASSWORD = REMOTE.partition("deploy:")[2].partition("@")[0]
CANARIES = (CLIENT_SECRET, ACCESS_KEY, SECRET_KEY, TOKEN, REMOTE_PASSWORD)
NOWHERE = ("/nothing", "/nothing.json", "/jobs/nothing", "/jobs?page=x", "/jobs.json?page=x")


def disguises(secret: str) -> Iterator[bytes]:
    """The secret as it may be written somewhere."""
    yield from (
        secret.encode(),
        quote(secret, safe="").encode(),
        secret.encode().hex().encode(),
        secret.encode("utf-16-le"),
    )
    for shift in range(3):  # base64 of a longer text that holds it
        coded = base64.b64encode(b"x" * shift + secret.encode())
        yield coded[4 if shift else 0 : -4]


def leaks(content: bytes) -> list[str]:
    return [secret for secret in CANARIES if any(each in content for each in disguises(secret))]


def whole(response: PageResponse) -> bytes:
    """The content and the headers of a response."""
    return response.content + repr(response.headers).encode()


def test_the_secrets_are_where_the_state_was_made(state_of: StateOf) -> None:
    state = state_of("demo")
    git = (state.root / ".git" / "config").read_text()
    assert [each for each in (CLIENT_SECRET, ACCESS_KEY, SECRET_KEY) if each not in state.environment.values()] == []
    assert REMOTE_PASSWORD in git


@pytest.mark.parametrize("name", ["demo", "cells", "failed"])
def test_no_page_holds_a_secret(site: SiteOf, reached: ReachedIn, name: str) -> None:
    responses = {**reached(name).responses, **{each: get(site(name), each) for each in NOWHERE}}
    assert {address: found for address, each in responses.items() if (found := leaks(whole(each)))} == {}


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        pytest.param("", 401, id="without the token"),
        pytest.param("Bearer wrong", 401, id="with another token"),
        pytest.param(f"Basic {TOKEN}", 401, id="with another scheme"),
        pytest.param(f"Bearer {TOKEN} and more", 401, id="with more than the token"),
        pytest.param(f"Bearer {TOKEN[:-1]}", 401, id="with the beginning of the token"),
        pytest.param("Bearer töken", 401, id="with letters that no token has"),
        pytest.param(f"Bearer {TOKEN}", 200, id="with the token"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/jobs.json", "/style.css"])
def test_a_token_is_asked_for_and_never_given(site: SiteOf, path: str, authorization: str, status: int) -> None:
    with serving(site("demo"), token=TOKEN) as url:
        headers = {"Authorization": authorization.encode()} if authorization else {}
        response = requests.get(url + path, headers=headers, timeout=LONGEST)
    assert response.status_code == status
    assert leaks(response.content + repr(response.headers).encode()) == []
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


def test_what_reaches_the_renderer_holds_no_secret(state_of: StateOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.page.renderer.PATIENCE", LONGEST)
    given = state_of("demo").settings().model_copy(update={"page_token": SecretStr(TOKEN)})
    assert leaks(pickle.dumps(given)) != []
    assert leaks(pickle.dumps(given.without_secrets())) == []
    for name in ("SHJOBS_CLIENT_SECRET", "HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, CLIENT_SECRET)
    before = children()
    with closing(Renderer(given)) as renderer:
        assert renderer.respond(PageRequest(path="/")).status == 200
        started = children() - before
        assert started
        assert {pid: found for pid in started if (found := leaks(Path(f"/proc/{pid}/environ").read_bytes()))} == {}


def children() -> set[str]:
    """The processes that this one has started and that still run."""
    return {pid for each in Path("/proc/self/task").glob("*/children") for pid in each.read_text().split()}
