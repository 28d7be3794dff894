"""What can be told otherwise about the sandbox: each option by what it changes, through real sockets and folders."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from controller.model.errors import UsageError
from controller.sandbox.clock import SandboxClock
from controller.sandbox.faults.faults import Fault
from controller.sandbox.jobs.limits import RateLimit
from controller.sandbox.options import NOT_IN_A_FILE, Profile, SandboxOptions, ScriptCheck, read_options
from controller.sandbox.pricing import CLASSIC
from controller.sandbox.program import Sandbox
from controller.sandbox.render.render import RenderOptions
from tests.support.certificates import Authority
from tests.support.charges import charges_by_prefix
from tests.support.paths import ROOT
from tests.support.patience import LONGEST
from tests.support.sandbox import FORM, OLD, PRICE, Service, error_of, render_nothing_much, request_body, running, until

pytestmark = pytest.mark.slow

# The account


def test_units_per_minute_make_later_calls_wait_until_the_debt_is_paid(tmp_path: Path) -> None:
    with running(tmp_path, units_per_minute=PRICE / 2) as service:
        began = time.monotonic()
        service.finish()
        response = service.post()
        assert error_of(response)[:2] == (429, "RATE_LIMIT_EXCEEDED")
        paid = 1000 * (time.monotonic() - began)
        assert 59_999 - paid <= int(response.headers["Retry-After"]) <= 60_000
        assert service.get("any").status_code == 429


def test_a_debt_is_paid_steadily_and_nothing_is_asked_of_who_has_none() -> None:
    now = 0.0
    units = RateLimit(600, lambda: now)
    units.owe(1200)
    assert units.take(0) == 60_000
    now = 30.0
    assert units.take(0) == 30_000
    now = 60.0
    assert units.take(0) == 0


def test_requests_per_month_are_counted_over_restarts(tmp_path: Path) -> None:
    for _ in range(2):
        with running(tmp_path, monthly_requests=2) as service:
            service.finish()
    with running(tmp_path, monthly_requests=2) as service:
        assert error_of(service.post())[:2] == (403, "COMMON_INSUFFICIENT_PERMISSIONS")


def test_too_many_token_requests_are_429(tmp_path: Path) -> None:
    with running(tmp_path, token_requests_per_minute=2) as service:
        statuses = [
            requests.post(f"{service.url}/oauth/token", data=FORM, timeout=LONGEST).status_code for _ in range(3)
        ]
        assert statuses == [200, 429, 429]


def test_a_failed_run_may_cost_too(tmp_path: Path) -> None:
    with running(tmp_path, charge_failed=True) as service:
        service.finish(request_body("throw"))
        assert charges_by_prefix(service.entries()) == {"s3://my-bucket/ndvi": 10.0}


@pytest.mark.parametrize(
    ("home", "region", "more"),
    [
        pytest.param("eu-central-1", "us-west-2", 17 * 0.03e-6, id="into another region"),
        pytest.param("eu-central-1", "eu-central-1", 0, id="at home"),
        pytest.param("eu-central-1", None, 0, id="no region is the one at home"),
        pytest.param(None, None, 0, id="where regions do not count"),
    ],
)
def test_the_way_into_another_region_costs_by_the_megabyte(
    home: str | None, region: str | None, more: float, tmp_path: Path
) -> None:
    body = request_body()
    if region:
        body["output"]["delivery"]["s3"]["region"] = region
    with running(tmp_path, region=home) as service:
        service.finish(body)
        [charged] = charges_by_prefix(service.entries()).values()
    assert charged - PRICE == pytest.approx(more, abs=1e-9)


@pytest.mark.parametrize(
    ("profile", "seconds"),
    [
        pytest.param(Profile.CDSE, 600, id="ten minutes at CDSE"),
        pytest.param(Profile.SENTINEL_HUB, 3600, id="an hour elsewhere"),
    ],
)
def test_tokens_last_as_long_as_those_of_the_deployment(profile: Profile, seconds: int, tmp_path: Path) -> None:
    with running(tmp_path, profile=profile) as service:
        path = "/auth/realms/CDSE/protocol/openid-connect/token"
        assert requests.post(service.url + path, data=FORM, timeout=LONGEST).json()["expires_in"] == seconds


def placed(type: str, profile: Profile, tmp_path: Path, **delivery: str) -> requests.Response:
    body = request_body()
    body["input"]["data"][0]["type"] = type
    body["output"]["delivery"]["s3"] |= delivery
    with running(tmp_path, profile=profile) as service:
        return service.post(body)


@pytest.mark.parametrize(
    ("type", "profile", "is_hosted"),
    [
        pytest.param("landsat-ot-l2", Profile.CDSE, False, id="Landsat L2 is in Oregon"),
        pytest.param("landsat-ot-l2", Profile.US_WEST_2, True, id="only in Oregon"),
        pytest.param("sentinel-2-l2a", Profile.US_WEST_2, False, id="Sentinel-2 is not"),
        pytest.param("sentinel-2-l2a", Profile.ANY, True, id="everything is with us"),
    ],
)
def test_a_deployment_hosts_its_own_collections(type: str, profile: Profile, is_hosted: bool, tmp_path: Path) -> None:
    response = placed(type, profile, tmp_path)
    assert response.status_code == (200 if is_hosted else 400)
    assert is_hosted or "is not hosted by this deployment" in response.text


def test_roles_are_no_way_into_a_bucket_of_cdse(tmp_path: Path) -> None:
    role = {"iamRoleARN": "arn:aws:iam::1:role/x"}
    assert "iamRoleARN: is not offered" in placed("sentinel-2-l2a", Profile.CDSE, tmp_path, **role).text
    assert placed("sentinel-2-l2a", Profile.SENTINEL_HUB, tmp_path, **role).status_code == 200


CLOUDS = """//VERSION=3
function setup() { return {input: ["CLM"], output: {bands: 1}}; }
function evaluatePixel(s) { return [s.CLM]; }
"""


def checked(script: str, folder: Path, **changes: Any) -> requests.Response:
    """The answer to a POST at a sandbox that checks scripts, in the real engine, before it answers."""
    stand_ins = {"renderer": render_nothing_much}
    with running(folder, stand_ins, script_check=ScriptCheck.AT_SUBMIT, **changes) as service:
        return service.post(request_body(script))


def test_a_band_that_only_one_deployment_has_is_refused_by_the_other(tmp_path: Path) -> None:
    response = checked(CLOUDS, tmp_path, profile=Profile.CDSE)
    assert (response.status_code, "sentinel-2-l2a has no band CLM" in response.text) == (400, True)
    assert checked(CLOUDS, tmp_path, profile=Profile.SENTINEL_HUB).status_code == 200


# Requests


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("//VERSION=2\n", "The first line must be //VERSION=3", id="an older version"),
        pytest.param(CLOUDS.replace("CLM", "B99"), "sentinel-2-l2a has no band B99", id="an unknown band"),
        pytest.param(CLOUDS.replace("bands: 1", "id: 'x', bands: 1"), "responses ask for output", id="another output"),
        pytest.param(CLOUDS.replace('["CLM"]', '[{bands: ["CLM"]}, {bands: ["B04"]}]'), "2 inputs", id="two inputs"),
        pytest.param(CLOUDS.replace('["CLM"]', '[{bands: ["B04"], units: "METERS"}]'), "no unit METERS", id="a unit"),
    ],
)
def test_a_script_may_be_checked_at_submit_down_to_its_bands(script: str, words: str, tmp_path: Path) -> None:
    status, code, message = error_of(checked(script, tmp_path))
    assert (status, code) == (400, "RENDERER_EXCEPTION")
    assert words in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"type": "sentinel-5p-l2"}, "sentinel-5p-l2 is not in the sandbox's archive", id="S5P"),
        pytest.param({"type": "byoc-0b9c5f3a-7c8d-4e5f-8a9b-0c1d2e3f4a5b"}, "not in the sandbox's archive", id="BYOC"),
    ],
)
def test_what_the_archive_does_not_hold_is_said_at_once(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    body = request_body()
    body["input"]["data"][0] |= changes
    with running(tmp_path) as service:
        status, code, message = error_of(service.post(body))
        assert (status, code) == (400, "SANDBOX_UNSUPPORTED")
        assert words in message


def test_bodies_and_scripts_have_their_limits(tmp_path: Path) -> None:
    with running(tmp_path, largest_script=40) as service:
        assert "evalscript: is larger than 40 bytes" in service.post(request_body("//VERSION=3 " + "x" * 40)).text
        assert service.post().status_code == 200
    with running(tmp_path, largest_body=100) as service:
        assert error_of(service.post())[0] == 413


@pytest.mark.parametrize(("chosen", "malformed"), [(404, 404), (400, 400)])
def test_a_malformed_id_is_not_found_or_a_bad_request(chosen: int, malformed: int, tmp_path: Path) -> None:
    with running(tmp_path, malformed_id_status=chosen) as service:
        assert service.get("not-an-id").status_code == malformed
        assert service.get("6b0c2f4e-0000-4000-8000-000000000000").status_code == 404


def test_rate_errors_may_come_without_their_wrapper(tmp_path: Path) -> None:
    with running(tmp_path, bare_rate_errors=True, requests_per_minute=1) as service:
        service.post()
        assert service.post().json()["code"] == "RATE_LIMIT_EXCEEDED"
        refusals = [entry for entry in service.entries() if entry.event == "refused"]
        assert [(entry.status, entry.code) for entry in refusals] == [(429, "RATE_LIMIT_EXCEEDED")]


def times_of(service: Service, id: str) -> dict[str, datetime]:
    """When what happened to the only request: from its POST on, no line that comes late matters."""
    events = [entry for entry in service.entries() if entry.id == id or entry.event == "post"]
    return {entry.event: datetime.fromisoformat(entry.time) for entry in events}


def test_a_request_waits_in_the_queue_and_runs_longer_the_more_it_costs(tmp_path: Path) -> None:
    with running(tmp_path, queue_seconds=0.3, seconds_per_unit=0.2 / PRICE) as service:
        times = times_of(service, service.finish())
        assert times["running"] - times["post"] >= timedelta(seconds=0.29)
        assert times["delivered"] - times["post"] >= timedelta(seconds=0.29 + 0.15)


def test_a_request_runs_until_so_many_polls_have_seen_it(tmp_path: Path) -> None:
    with running(tmp_path, run_polls=3) as service:
        id = service.submit()
        until(lambda: "running" in service.events(id))
        assert [service.get(id).status_code for _ in range(2)] == [200, 200]
        assert "delivered" not in service.events(id)
        assert service.get(id).status_code == 200
        service.await_end(id)
        until(lambda: service.get(id).status_code == 404)


def test_polls_before_a_request_is_done_count_and_its_seconds_hold(tmp_path: Path) -> None:
    with running(tmp_path, run_polls=1, queue_seconds=0.5, run_seconds=0.5) as service:
        id = service.submit()
        assert service.get(id).status_code == 200
        service.await_end(id)
        times = times_of(service, id)
        assert times["delivered"] - times["post"] >= timedelta(seconds=0.99)


def test_a_script_may_lie_in_a_bucket(tmp_path: Path) -> None:
    seen: list[str] = []

    def noting(body: Any, folder: Path, options: RenderOptions) -> Any:
        seen.append(body["evalscript"])
        return render_nothing_much(body, folder, options)

    body = request_body()
    del body["evalscript"]
    keys = {"accessKey": "AK", "secretAccessKey": "SK"}
    (tmp_path / "my-bucket" / "scripts").mkdir(parents=True)
    (tmp_path / "my-bucket" / "scripts" / "ndvi.js").write_text(CLOUDS)
    with running(tmp_path, {"renderer": noting}) as service:
        body["evalscriptReference"] = {"s3": {"url": "s3://my-bucket/scripts/ndvi.js", **keys}}
        assert service.events(service.finish(body))[-1] == "delivered"
        for url in ("s3://my-bucket/scripts/none.js", "s3://my-bucket/scripts/../../ledger.jsonl"):
            body["evalscriptReference"]["s3"]["url"] = url
            id = service.finish(body)
            assert "The evalscript cannot be read" in service.read(id, "error.json")["message"]
    assert seen == [CLOUDS]


# Delivery


def test_the_cost_may_have_another_name_and_place(tmp_path: Path) -> None:
    with running(tmp_path, cost_field="status.cost.pu") as service:
        copy = service.read(service.finish(), "request-ID.json")
        assert copy["status"] == {"cost": {"pu": pytest.approx(PRICE)}}
        assert "costPU" not in copy


def test_error_json_may_have_the_wrapper(tmp_path: Path) -> None:
    with running(tmp_path, wrap_error_json=True) as service:
        error = service.read(service.finish(request_body("throw")), "error.json")["error"]
        assert (error["status"], error["code"]) == (400, "RENDERER_EXCEPTION")


# Time


def test_a_scaled_clock_runs_faster() -> None:
    clock = SandboxClock(0.01)
    began, moment = time.monotonic(), clock.seconds()
    time.sleep(0.05)
    assert clock.seconds() - moment >= 5
    assert clock.seconds() - moment <= (time.monotonic() - began) * 100
    assert clock.now() - datetime.now(UTC) > timedelta(seconds=4)
    assert clock.real(60) == pytest.approx(0.6)


def test_a_scaled_service_runs_expires_and_waits_faster(tmp_path: Path) -> None:
    with running(tmp_path / "runs", time_scale=0.01, run_seconds=30) as service:
        service.finish()
        times = {entry.event: datetime.fromisoformat(entry.time) for entry in service.entries()}
        # From the POST: on a busy machine the log may be late to say that it was accepted.
        assert times["delivered"] - times["post"] >= timedelta(seconds=30)
    with running(tmp_path / "expires", time_scale=0.01, token_seconds=100) as service:
        assert requests.post(f"{service.url}/oauth/token", data=FORM, timeout=LONGEST).json()["expires_in"] == 1
        until(lambda: service.get("any").status_code == 401)
    with running(tmp_path / "waits", time_scale=0.01, requests_per_minute=1) as service:
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(service.get, ["any"] * 40))
        waits = [int(each.headers["Retry-After"]) for each in answers if each.status_code == 429]
        assert min(waits) > 0 and max(waits) <= 600


# https


def tls_of(authority: Authority) -> dict[str, Any]:
    served = authority.serves()
    return {"tls_certificate": served.certificate, "tls_key": served.key}


def test_it_speaks_https_and_breaks_a_record_of_it_on_request(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    options = SandboxOptions(folder=tmp_path / "s", port=0, buckets=("my-bucket",), **tls_of(authority))
    with Sandbox(options, renderer=render_nothing_much) as sandbox, requests.Session() as web:
        assert sandbox.base_url.startswith("https://127.0.0.1:")
        web.verify, web.trust_env = str(authority.file), False
        answer = web.post(f"{sandbox.base_url}/oauth/token", data=FORM, timeout=LONGEST)
        web.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        assert web.post(sandbox.base_url + OLD, json=request_body(), timeout=LONGEST).status_code == 200
        sandbox.faults.add(Fault(name="corrupt-tls"), Fault(name="reset-answer", parameters={"bytes": 5}))
        with pytest.raises(requests.exceptions.SSLError):
            web.post(sandbox.base_url + OLD, json=request_body(), timeout=LONGEST)
        with pytest.raises(requests.exceptions.ConnectionError):
            web.post(sandbox.base_url + OLD, json=request_body(), timeout=LONGEST)
        accepted = [entry for entry in sandbox.ledger.entries() if entry.event == "accepted"]
        assert len(accepted) == 3


def test_stopping_does_not_wait_for_an_idle_connection(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    options = SandboxOptions(folder=tmp_path / "s", port=0, **tls_of(authority))
    with requests.Session() as web:
        with Sandbox(options) as sandbox:
            web.verify, web.trust_env = str(authority.file), False
            assert web.get(f"{sandbox.base_url}/sandbox/health", timeout=LONGEST).json()["status"] == "ok"
        assert "sandbox-server" not in {thread.name for thread in threading.enumerate()}


def test_a_certificate_that_cannot_be_used_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    for path, words in ((tmp_path / "cert.pem", "cannot be used"), (tmp_path / "none.pem", "is not there")):
        options = SandboxOptions(folder=tmp_path / "s", port=0, tls_certificate=path, tls_key=path)
        with pytest.raises(UsageError, match=words):
            Sandbox(options).start()


# Options from a file


WRITTEN = """
port = 0
buckets = ["one-bucket", "another-bucket"]
profile = "cdse"
priceRules = "classic"
scriptCheck = "at_submit"
timeScale = 0.5
monthlyUnits = 100
faults = [{name = "late-delivery", rate = 0.1, times = -1, parameters = {seconds = 30}}]
"""


def test_options_are_read_from_a_file_and_overruled(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.toml"
    path.write_text(WRITTEN)
    assert read_options(path, {"folder": tmp_path, "time_scale": 0.25}) == SandboxOptions(
        folder=tmp_path,
        port=0,
        buckets=("one-bucket", "another-bucket"),
        profile=Profile.CDSE,
        price_rules=CLASSIC,
        script_check=ScriptCheck.AT_SUBMIT,
        time_scale=0.25,
        monthly_units=100,
        faults=(Fault(name="late-delivery", rate=0.1, times=-1, parameters={"seconds": 30}),),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("maxRuning = 5", "there is no option maxRuning; did you mean maxRunning", id="a misspelt option"),
        pytest.param('workers = "many"', "workers: Input should be a valid integer", id="a word for a number"),
        pytest.param("workers = 0", "workers must be at least 1", id="nobody to work"),
        pytest.param("runSeconds = inf", "runSeconds must be a finite number", id="a run without end"),
        pytest.param("timeScale = nan", "timeScale must be a finite number", id="a time that is no number"),
        pytest.param("workers =", "sandbox.toml: ", id="no TOML"),
        pytest.param('faults = [{name = "gremlins"}]', "there is no fault 'gremlins'", id="an unknown fault"),
        pytest.param('clientSecret = "x"', "there is no option clientSecret", id="a secret"),
        pytest.param('profile = "mars"', "profile: Input should be 'any', 'sentinel-hub'", id="an unknown profile"),
        pytest.param('priceRules = "free"', "priceRules", id="unknown prices"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "sandbox.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_options(path, {"folder": tmp_path})
    assert words in str(caught.value)


# The page

PAGE = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_the_file_that_is_shown_can_be_read(tmp_path: Path) -> None:
    [shown] = re.findall(r"^```ini\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "sandbox.toml").write_text(shown)
    options = read_options(tmp_path / "sandbox.toml", {"folder": tmp_path})
    assert (options.profile, options.faults[0].rate) == (Profile.CDSE, 0.05)


def test_every_option_has_its_row_with_its_default() -> None:
    table = PAGE.partition("## Every option")[2].partition("## The ledger")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "| `" in line[:3]]
    shown = {name.strip("` "): cells[1].strip("`") for cells in rows for name in cells[0].split(",")}
    by_command = {"folder": "state/sandbox", "buckets": "my-bucket", "priceRules": "cdse-2025"}
    expected = {}
    for each in fields(SandboxOptions):
        if each.name in NOT_IN_A_FILE:
            continue
        first, *rest = each.name.split("_")
        name = first + "".join(part.capitalize() for part in rest)
        default = each.default
        reported = "" if default in (None, ()) else f"{default:g}" if type(default) in (int, float) else str(default)
        expected[name] = by_command.get(name, reported.lower() if isinstance(default, bool) else reported)
    expected |= {"largestBody": str(16 << 20), "renderBytes": str(1 << 30)}
    assert shown == expected
