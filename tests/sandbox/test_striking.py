"""What each fault of the sandbox does to a client and to the bucket, and how often."""

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from controller.sandbox.faults.faults import Fault, FaultError
from tests.support.charges import accepted_entries, charges_by_prefix
from tests.support.patience import LONGEST
from tests.support.sandbox import EVALSCRIPT, FORM, PRICE, Service, error_of, post_once, request_body, running, until

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a client and the bucket saw of one POST under a fault."""

    status: int | None
    code: str
    taken: int


def post_under(service: Service, fault: str, **changes: Any) -> Seen:
    service.switch_on(fault, **changes)
    try:
        response = post_once(service)
    except requests.ConnectionError:
        return Seen(status=None, code="", taken=len(accepted_entries(service.entries())))
    is_json = response.headers["Content-Type"] == "application/json"
    code = response.json().get("error", {}).get("code", "") if is_json else "HTML"
    return Seen(status=response.status_code, code=code, taken=len(accepted_entries(service.entries())))


POST_FAULTS = [
    pytest.param("answer-lost", Seen(status=None, code="", taken=1), id="answer-lost: taken, nothing said"),
    pytest.param("reset-before-read", Seen(status=None, code="", taken=0), id="reset-before-read: nothing taken"),
    pytest.param("refuse-502-before", Seen(status=502, code="HTML", taken=0), id="refuse-502-before: not taken"),
    pytest.param("refuse-502-after", Seen(status=502, code="HTML", taken=1), id="refuse-502-after: taken"),
    pytest.param("rate-429", Seen(status=429, code="RATE_LIMIT_EXCEEDED", taken=0), id="rate-429"),
    pytest.param("concurrency-429", Seen(status=429, code="RATE_LIMIT_EXCEEDED", taken=0), id="concurrency-429"),
    pytest.param("spurious-400", Seen(status=400, code="COMMON_BAD_PAYLOAD", taken=0), id="spurious-400"),
    pytest.param("unauthorized-401", Seen(status=401, code="COMMON_UNAUTHORIZED", taken=0), id="unauthorized-401"),
    pytest.param(
        "forbidden-403", Seen(status=403, code="COMMON_INSUFFICIENT_PERMISSIONS", taken=0), id="forbidden-403"
    ),
    pytest.param("quota-403", Seen(status=403, code="COMMON_INSUFFICIENT_PERMISSIONS", taken=0), id="quota-403"),
]


@pytest.mark.parametrize(("fault", "seen"), POST_FAULTS)
def test_faults_of_a_post_strike_once(service: Service, fault: str, seen: Seen) -> None:
    assert post_under(service, fault) == seen
    assert [entry.message for entry in service.entries() if entry.event == "fault"] == [fault]
    assert service.post().status_code == 200


def test_the_two_429_differ_in_retry_after_and_the_spurious_400_has_the_known_words(service: Service) -> None:
    service.switch_on("rate-429", parameters={"milliseconds": 1234})
    assert service.post().headers["Retry-After"] == "1234"
    service.switch_on("concurrency-429")
    assert "Retry-After" not in service.post().headers
    service.switch_on("spurious-400")
    assert "body should be non-empty" in error_of(service.post())[2]


def test_slow_answer_takes_the_request_and_answers_late(service: Service) -> None:
    service.switch_on("slow-answer", parameters={"seconds": 0.5})
    began = time.monotonic()
    assert service.post().status_code == 200
    assert time.monotonic() - began >= 0.5


def test_stopping_does_not_wait_for_a_slow_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.sandbox.http.server.SHUTDOWN_SECONDS", LONGEST)
    with running(tmp_path) as service:
        service.switch_on("slow-answer", parameters={"seconds": 600})
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(post_once(service).status_code))
        thread.start()
        until(lambda: accepted_entries(service.entries()))
    thread.join()
    assert statuses == [200]


def test_status_and_token_faults(slow: Service) -> None:
    id = slow.submit()
    slow.switch_on("status-500")
    assert error_of(slow.get(id))[:2] == (500, "COMMON_EXCEPTION")
    slow.switch_on("status-429")
    assert slow.get(id).headers["Retry-After"] == "3398"
    assert slow.get(id).status_code == 200
    slow.switch_on("token-503")
    response = requests.post(f"{slow.url}/oauth/token", data=FORM, timeout=LONGEST)
    assert (response.status_code, response.headers["Content-Type"]) == (503, "text/html")


def test_a_service_whose_reads_lag_behind_its_writes(tmp_path: Path) -> None:
    with running(tmp_path, run_seconds=60, hidden_seconds=60) as service:
        assert service.get(service.submit()).status_code == 404


def test_early_404_hides_a_running_request_for_a_while(slow: Service) -> None:
    slow.switch_on("early-404", parameters={"seconds": LONGEST})
    assert slow.get(slow.submit()).status_code == 404
    slow.switch_on("early-404", parameters={"seconds": 0.5})
    id = slow.submit()
    until(lambda: slow.get(id).status_code == 200)


def test_flapping_404_alternates_while_the_request_runs(slow: Service) -> None:
    slow.switch_on("flapping-404")
    id = slow.submit()
    assert [slow.get(id).status_code for _ in range(4)] == [404, 200, 404, 200]


@pytest.mark.parametrize(
    ("fault", "names", "end", "is_charged"),
    [
        pytest.param("never-deliver", {"request-ID.json"}, "delivered", True, id="never-deliver: only the early copy"),
        pytest.param("partial-delivery", {"a.tif", "request-ID.json"}, "delivered", True, id="partial-delivery"),
        pytest.param(
            "foreign-object",
            {"a.tif", "b.tif", "notes.json", "request-ID.json"},
            "delivered",
            True,
            id="foreign-object: one more",
        ),
        pytest.param("copy-never", {"a.tif", "b.tif"}, "delivered", True, id="copy-never"),
        pytest.param("copy-in-root", {"a.tif", "b.tif"}, "delivered", True, id="copy-in-root: not in the folder"),
        pytest.param(
            "error-with-outputs",
            {"a.tif", "b.tif", "error.json", "request-ID.json"},
            "failed",
            False,
            id="error-with-outputs: both, and free",
        ),
        pytest.param(
            "error-json-malformed", {"error.json", "request-ID.json"}, "failed", False, id="error-json-malformed"
        ),
    ],
)
def test_faults_of_a_delivery(service: Service, fault: str, names: set[str], end: str, is_charged: bool) -> None:
    service.switch_on(fault)
    id = service.finish(request_body(EVALSCRIPT, "s3://my-bucket/ndvi", "a", "b"))
    assert service.names(id) == names
    assert service.events(id)[-1] == end
    assert bool(charges_by_prefix(service.entries())) is is_charged


def test_what_the_strange_objects_hold(service: Service) -> None:
    service.switch_on("never-deliver")
    assert "costPU" not in service.read(service.finish(), "request-ID.json")
    service.switch_on("copy-in-root")
    id = service.finish()
    copy = json.loads((service.folder / "my-bucket" / "ndvi" / f"request-{id}.json").read_text())
    assert copy["costPU"] == pytest.approx(PRICE)
    service.switch_on("error-json-malformed")
    id = service.finish()
    with pytest.raises(json.JSONDecodeError):
        service.read(id, "error.json")
    service.switch_on("zero-byte")
    id = service.finish()
    assert (service.folder / "my-bucket/ndvi" / id / "default.tif").read_bytes() == b""


def test_late_delivery_comes_after_the_404(service: Service) -> None:
    service.switch_on("late-delivery", parameters={"seconds": LONGEST})
    id = service.submit()
    until(lambda: service.get(id).status_code == 404)
    assert service.names(id) == {"request-ID.json"}
    service.switch_on("late-delivery", parameters={"seconds": 0.5})
    assert service.names(service.finish()) == {"default.tif", "request-ID.json"}


def test_a_late_copy_comes_after_the_outputs(service: Service) -> None:
    service.switch_on("copy-late", parameters={"seconds": LONGEST})
    assert service.names(service.finish()) == {"default.tif"}
    service.switch_on("copy-late", parameters={"seconds": 0.5})
    id = service.finish()
    until(lambda: "request-ID.json" in service.names(id) and "costPU" in service.read(id, "request-ID.json"))
    assert service.read(id, "request-ID.json")["costPU"] == pytest.approx(PRICE)


def test_a_fault_strikes_only_matching_urls_and_as_often_as_asked(slow: Service) -> None:
    slow.switch_on("quota-403", times=2, match="/b")
    urls = ["s3://my-bucket/a", "s3://my-bucket/b", "s3://my-bucket/b", "s3://my-bucket/b"]
    assert [slow.post(request_body(url=url)).status_code for url in urls] == [200, 403, 403, 200]


def test_a_fault_without_end_lasts_until_it_is_switched_off(slow: Service) -> None:
    slow.switch_on("refuse-502-before", times=-1)
    assert [slow.post().status_code for _ in range(3)] == [502] * 3
    shown = slow.web.get(f"{slow.url}/sandbox/faults", timeout=LONGEST).json()
    assert shown == {
        "faults": [{"name": "refuse-502-before", "times": -1, "after": 0, "rate": 1.0, "match": "", "parameters": {}}]
    }
    assert slow.web.delete(f"{slow.url}/sandbox/faults", timeout=LONGEST).json() == {"faults": []}
    assert slow.post().status_code == 200


def test_faults_can_be_on_from_the_start(tmp_path: Path) -> None:
    with running(tmp_path, faults=(Fault(name="quota-403"),)) as service:
        assert [service.post().status_code for _ in range(2)] == [403, 200]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param({"name": "gremlins"}, "answer-lost", id="an unknown name: the known ones are listed"),
        pytest.param({"name": "late-delivery", "parameters": {"hours": 1}}, "seconds", id="an unknown parameter"),
        pytest.param({"name": "rate-429", "times": 0}, "times", id="never"),
        pytest.param({"name": "rate-429", "time": 1}, "time", id="a misspelt field"),
        pytest.param({"name": "reset-before-read", "match": "x"}, "match", id="a match before anything is read"),
        pytest.param({"name": "rate-429", "after": -1}, "after", id="before the first"),
        pytest.param({"name": "rate-429", "rate": 0}, "rate", id="with no probability"),
        pytest.param("rate-429", "object", id="not an object"),
    ],
)
def test_faults_that_cannot_be_switched_on(service: Service, document: object, words: str) -> None:
    response = service.web.post(f"{service.url}/sandbox/faults", json=document, timeout=LONGEST)
    assert error_of(response)[0] == 400
    assert words in response.text
    with pytest.raises(FaultError):
        Fault.from_document(document)
