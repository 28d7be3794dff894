"""When the controller is not ready, and why."""

from datetime import timedelta

import pytest

from controller.limits.budget import Spending
from controller.model.reasons import Reason
from controller.reconcile.health import Health, unready_conditions
from tests.support.factories import NOW


def health(**different: object) -> Health:
    return Health(**{"at": NOW, "scanned_at": NOW, "spending": Spending(month="2026-03"), **different})  # type: ignore[arg-type]


def ago(seconds: float) -> Health:
    return health(scanned_at=NOW - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seen", "scan_every", "expected"),
    [
        pytest.param(health(), 60, [], id="all is well"),
        pytest.param(health(scanned_at=None), 60, ["NotScanned"], id="never scanned"),
        pytest.param(ago(180), 60, [], id="three scans are just due"),
        pytest.param(ago(181), 60, ["ScanStale"], id="three scans were missed"),
        pytest.param(ago(59), 0.6, [], id="scans that a time scale made frequent were missed on a busy machine"),
        pytest.param(ago(61), 0.6, ["ScanStale"], id="for a minute"),
        pytest.param(health(ledger="locked"), 60, ["LedgerUnusable"], id="the ledger cannot be used"),
        pytest.param(health(tree="gone", status="full"), 60, ["TreeNotReady", "StatusUnwritten"], id="several reasons"),
        pytest.param(health(gate=Reason.QUEUED), 60, [], id="jobs are only queued"),
        pytest.param(health(gate=Reason.BREAKER_OPEN, message="no answer"), 60, ["BreakerOpen"], id="the breaker"),
    ],
)
def test_ready_says_what_is_wrong(seen: Health, scan_every: float, expected: list[str]) -> None:
    assert [word for word, _ in unready_conditions(seen, NOW, scan_every)] == expected
