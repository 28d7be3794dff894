"""What sets will ask for by themselves, on the first page: made beside it, so that no page waits."""

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from controller.cli.settings import load_settings
from controller.model.errors import StateError
from controller.page import forecast as module
from controller.page.forecast import Forecasts
from controller.settings.settings import Settings
from tests.page.conftest import SiteOf, StateOf
from tests.support.factories import NOW
from tests.support.pages import html, twin

SETS = [{"set": "alps", "thisMonth": {"jobs": 0, "estimated": 0.0}, "nextMonth": {"jobs": 20, "estimated": 15.0}}]


def settings() -> Settings:
    return load_settings(None, {})


def test_it_is_pending_at_first_and_known_when_it_is_made() -> None:
    may_go_on, made = threading.Event(), []

    def make(_settings: Settings, now: datetime) -> list[dict[str, Any]]:
        may_go_on.wait()
        made.append(now)
        return SETS

    forecasts = Forecasts(settings(), make)
    assert forecasts.current(10, NOW) == forecasts.current(10, NOW) == {"state": "pending"}
    may_go_on.set()
    forecasts.wait()
    assert forecasts.current(10, NOW) == {"state": "known", "at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}", "sets": SETS}
    assert made == [NOW], "while it is fresh it is not made again"


def test_an_old_one_is_shown_while_it_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.0)
    numbers = iter(range(10))
    forecasts = Forecasts(settings(), lambda _settings, _now: [{"set": f"s{next(numbers)}"}])
    forecasts.current(1, NOW)
    forecasts.wait()
    assert forecasts.current(1, NOW)["sets"] == [{"set": "s0"}]
    forecasts.wait()
    assert forecasts.current(1, NOW)["sets"] == [{"set": "s1"}]


def test_what_cannot_be_made_is_said() -> None:
    def fail(_settings: Settings, _now: datetime) -> list[dict[str, Any]]:
        raise StateError("the ledger is gone")

    forecasts = Forecasts(settings(), fail)
    forecasts.current(1, NOW)
    forecasts.wait()
    assert forecasts.current(1, NOW) == {"state": "failed", "message": "the ledger is gone"}


def test_very_many_jobs_are_left_to_the_command() -> None:
    def never(_settings: Settings, _now: datetime) -> list[dict[str, Any]]:
        raise AssertionError("it is not made")

    assert Forecasts(settings(), never).current(module.MOST_JOBS + 1, NOW) == {"state": "left out"}


def test_the_first_page_shows_it_for_real_sets(site: SiteOf, state_of: StateOf, tmp_path: Path) -> None:
    cells = site("cells")
    twin(cells, "/overview.json")
    forecasts = cells._forecasts
    assert forecasts is not None
    forecasts.wait()
    found = twin(cells, "/overview.json")["forecast"]
    assert (found["state"], [each["set"] for each in found["sets"]]) == ("known", ["alps"])
    assert found["sets"][0]["thisMonth"]["jobs"] + found["sets"][0]["nextMonth"]["jobs"] > 0
    assert "Sets will ask for more by themselves" in html(cells, "/")
