"""What `shjobs events --follow` shows: every event once, in order."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from controller.cli.events import follow_events
from controller.cli.settings import load_settings
from controller.ledger.store import Store
from controller.operations.inspect.job_states import events_between, last_event
from controller.settings.settings import Settings
from tests.support.factories import NOW


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "shjobs.toml").write_text('deployment = "sandbox"\n', encoding="utf-8")
    (tmp_path / "state").mkdir()
    return load_settings(tmp_path / "shjobs.toml", {})


def happen(settings: Settings, messages: Sequence[str]) -> None:
    """Events of one turn."""
    with Store.open(settings.state, {}) as store, store.transaction():
        for message in messages:
            store.add_event(NOW, "Running", message, "ndvi")


def test_every_event_is_shown_once_however_many_a_turn_writes(settings: Settings) -> None:
    happen(settings, ["a", "b", "c"])
    portions = ([row["message"] for row in rows] for rows in follow_events(settings, ["ndvi"], 2))
    assert next(portions) == ["b", "c"]
    many = [str(number) for number in range(2500)]
    happen(settings, many)
    assert next(portions) == many
    assert next(portions) == []
    happen(settings, ["last"])
    assert next(portions) == ["last"]


def test_an_event_that_is_written_while_others_are_read_is_left_for_the_next_time(settings: Settings) -> None:
    happen(settings, ["a", "b"])
    last = last_event(settings)
    happen(settings, ["c"])
    assert [row["message"] for row in events_between(settings, [], 20, 1, last)] == ["b"]
    assert [row["message"] for row in events_between(settings, [], 20, last, last_event(settings))] == ["c"]


def test_of_another_ledger_the_latest_events_are_shown(settings: Settings) -> None:
    happen(settings, ["a", "b"])
    portions = follow_events(settings, [], 20)
    next(portions)
    for path in settings.state.glob("shjobs.db*"):
        path.unlink()
    happen(settings, ["c"])
    assert [row["message"] for row in next(portions)] == ["c"]
