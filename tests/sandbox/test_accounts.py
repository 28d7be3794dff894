"""Tokens, and what an account may do in the sandbox: at a time, at once and in a month."""

import threading
from pathlib import Path

import pytest
import requests

from controller.sandbox.clock import SandboxClock
from controller.sandbox.faults.faults import Faults
from controller.sandbox.jobs.limits import Allowance, RateLimit
from controller.sandbox.jobs.runs import Account, RenderPool, Runs
from controller.sandbox.ledger import SandboxLedger
from controller.sandbox.options import SandboxOptions
from controller.sandbox.render.render import RenderOptions
from tests.support.charges import accepted_entries
from tests.support.patience import LONGEST
from tests.support.sandbox import (
    FORM,
    PRICE,
    Service,
    error_of,
    post_once,
    read_script,
    render_nothing_much,
    request_body,
    running,
)


@pytest.mark.parametrize("path", ["/oauth/token", "/auth/realms/main/protocol/openid-connect/token"])
def test_a_token_for_the_client_in_body_or_header(service: Service, path: str) -> None:
    url = service.url + path
    by_body = requests.post(url, data=FORM, timeout=LONGEST)
    by_header = requests.post(
        url, data={"grant_type": "client_credentials"}, auth=("sandbox", "sandbox-secret"), timeout=LONGEST
    )
    for response in (by_body, by_header):
        answer = response.json()
        assert (response.status_code, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 3600)
        assert answer["access_token"].count(".") == 2


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        pytest.param({**FORM, "client_secret": "wrong"}, 401, "invalid_client", id="a wrong secret"),
        pytest.param({"grant_type": "client_credentials"}, 401, "invalid_client", id="no client"),
        pytest.param({**FORM, "grant_type": "password"}, 400, "unsupported_grant_type", id="another grant"),
        pytest.param({}, 400, "invalid_request", id="nothing at all"),
    ],
)
def test_token_errors_have_the_oauth_form(service: Service, form: dict[str, str], status: int, error: str) -> None:
    response = requests.post(f"{service.url}/oauth/token", data=form, timeout=LONGEST)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Basic \u00e9", id="another letter than those of Base64"),
        pytest.param("Basic c2FuZ", id="Base64 that is cut off"),
        pytest.param("Basic /w==", id="Base64 of no text"),
    ],
)
def test_an_unreadable_client_is_an_unknown_one(service: Service, authorization: str) -> None:
    form, headers = {"grant_type": "client_credentials"}, {"Authorization": authorization.encode("latin-1")}
    response = requests.post(f"{service.url}/oauth/token", data=form, headers=headers, timeout=LONGEST)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="no token"),
        pytest.param("Bearer a.b.c", id="a token of another service"),
        pytest.param("Bearer nonsense", id="not a token"),
        pytest.param("Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA==", id="the secret itself"),
    ],
)
def test_calls_without_a_good_token_are_401_in_the_wrapper(service: Service, authorization: str) -> None:
    service.web.headers["Authorization"] = authorization
    assert error_of(service.post())[:2] == (401, "COMMON_UNAUTHORIZED")
    assert error_of(service.get("some-id"))[:2] == (401, "COMMON_UNAUTHORIZED")


def test_an_expired_token_is_401(tmp_path: Path) -> None:
    with running(tmp_path, token_seconds=0) as service:
        status, code, message = error_of(service.post())
        assert (status, code) == (401, "COMMON_UNAUTHORIZED")
        assert "expired" in message


def test_the_rate_limit_answers_with_milliseconds(tmp_path: Path) -> None:
    with running(tmp_path, requests_per_minute=2, run_seconds=60) as service:
        id = service.submit()
        assert service.get(id).status_code == 200
        response = service.get(id)
        assert error_of(response)[:2] == (429, "RATE_LIMIT_EXCEEDED")
        assert 20_000 < int(response.headers["Retry-After"]) <= 30_000


def test_the_rate_limit_refills_steadily_and_never_beyond_its_capacity() -> None:
    now = 0.0
    limit = RateLimit(60, lambda: now)
    assert [limit.take() for _ in range(61)] == [0] * 60 + [1000]
    now = 0.25
    assert limit.take() == 750
    now = 1.0
    assert (limit.take(), limit.take()) == (0, 1000)
    now = 10_000.0
    assert [limit.take() for _ in range(61)] == [0] * 60 + [1000]


def test_too_many_at_once_is_429_without_retry_after(tmp_path: Path) -> None:
    with running(tmp_path, run_seconds=60, max_running=3) as service:
        for _ in range(3):
            service.submit()
        response = service.post()
        assert error_of(response)[:2] == (429, "RATE_LIMIT_EXCEEDED")
        assert "Retry-After" not in response.headers
        assert len(accepted_entries(service.entries())) == 3


def test_posts_at_the_same_moment_never_exceed_the_limit(tmp_path: Path) -> None:
    with running(tmp_path, run_seconds=60, max_running=3) as service:
        statuses: list[int] = []
        threads = [threading.Thread(target=lambda: statuses.append(post_once(service).status_code)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] * 3 + [429] * 9


def test_a_request_that_cannot_be_begun_holds_no_slot(tmp_path: Path) -> None:
    options, clock = SandboxOptions(folder=tmp_path, max_running=1), SandboxClock()
    ledger = SandboxLedger(options.ledger_path, clock.now)
    account = Account(ledger=ledger, allowance=Allowance(None, None, []), units=RateLimit(0, clock.seconds))
    pool = RenderPool(renderer=render_nothing_much, render_options=RenderOptions(), examine=read_script)
    runs = Runs(options, pool, account, Faults(), clock)
    ledger.close()
    with pytest.raises(ValueError, match="closed file"):
        runs.accept(request_body(), "s3://my-bucket/ndvi", Faults())
    assert runs.requests.count() == 0
    assert runs.stop()


def test_an_exhausted_account_is_403_and_stays_so_after_a_restart(tmp_path: Path) -> None:
    for first in (True, False):
        with running(tmp_path, monthly_units=PRICE) as service:
            if first:
                service.finish()
            status, code, message = error_of(service.post())
            assert (status, code) == (403, "COMMON_INSUFFICIENT_PERMISSIONS")
            assert "quota" in message
