"""The ledger of the sandbox: what was posted, taken and charged."""

import re
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from controller.sandbox.ledger import SandboxLedger, posts
from tests.support.charges import accepted_entries, charges_by_prefix
from tests.support.patience import LONGEST
from tests.support.sandbox import OLD, PRICE, Service, request_body


def test_the_ledger_tells_posts_acceptances_and_charges(service: Service) -> None:
    first = service.finish(request_body(url="s3://my-bucket/a"))
    service.finish(request_body(url="s3://my-bucket/a"))
    service.finish(request_body(url="s3://my-bucket/b"))
    service.finish(request_body("throw", "s3://my-bucket/c"))
    service.post({})
    entries = service.entries()
    assert [entry.prefix for entry in posts(entries)] == [f"s3://my-bucket/{name}" for name in "aabc"] + [""]
    assert len(accepted_entries(entries)) == 4
    charges = charges_by_prefix(entries)
    assert charges == {"s3://my-bucket/a": pytest.approx(2 * PRICE), "s3://my-bucket/b": pytest.approx(PRICE)}
    delivered = next(entry for entry in entries if entry.id == first and entry.event == "delivered")
    assert delivered.keys == (f"a/{first}/default.tif",)
    shown = requests.get(f"{service.url}/sandbox/ledger", timeout=LONGEST).json()["entries"]
    assert [entry["event"] for entry in shown] == [entry.event for entry in entries]


def test_the_digest_follows_the_request_and_not_the_keys(service: Service) -> None:
    other_keys, other_script = request_body(), request_body("//VERSION=3 other")
    other_keys["output"]["delivery"]["s3"]["accessKey"] = "BK"
    for body in (request_body(), other_keys, other_script):
        service.submit(body)
    first, second, third = (entry.digest for entry in posts(service.entries()))
    assert first == second != third


def test_a_ledger_is_appended_to_from_many_threads_line_by_line(tmp_path: Path) -> None:
    ledger = SandboxLedger(tmp_path / "ledger.jsonl", lambda: datetime.now(UTC))
    threads = [
        threading.Thread(target=lambda: [ledger.add("status", message="x" * 500) for _ in range(50)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    assert [entry.event for entry in SandboxLedger.read(ledger.path)] == ["status"] * 400


def test_a_line_cut_off_by_a_crash_is_called_torn_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"time": "2026-01-01T00:00:00.000+00:00", "event": "post"}\n{"time": "2026-0')
    ledger = SandboxLedger(path, lambda: datetime.now(UTC))
    ledger.add("accepted", id="one")
    ledger.close()
    assert [entry.event for entry in SandboxLedger.read(path)] == ["post", "torn", "accepted"]


def test_the_ledger_can_be_read_by_people_too(service: Service) -> None:
    id = service.finish()
    service.post({})
    shown = service.web.get(f"{service.url}/sandbox/ledger", headers={"Accept": "text/plain"}, timeout=LONGEST)
    assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = {line.split()[1]: line for line in shown.text.splitlines()}
    assert len(shown.text.splitlines()) == len(service.entries())
    assert lines["charged"].endswith(f"{id}  s3://my-bucket/ndvi  {PRICE:.2f} PU")
    assert lines["delivered"].endswith(f"  ndvi/{id}/default.tif")
    assert "400 COMMON_BAD_PAYLOAD The request is not valid" in lines["refused"]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d  token ", shown.text)


def test_an_address_that_is_no_text_hides_no_line_of_the_ledger(service: Service) -> None:
    """Anyone could post it, and the ledger was a 500 from then on."""
    unknown = requests.post(service.url + OLD, json=request_body(url="s3://my-bucket/\ud800"), timeout=LONGEST)
    assert unknown.status_code == 401
    shown = service.web.get(f"{service.url}/sandbox/ledger", headers={"Accept": "text/plain"}, timeout=LONGEST)
    assert shown.status_code == 200
    assert len(shown.text.splitlines()) == len(service.entries())
    assert "s3://my-bucket/?" in shown.text
