"""What `shjobs budget` prints."""

from datetime import UTC, datetime
from pathlib import Path

from controller.ledger.store import Store
from tests.support.command import shjobs
from tests.support.factories import job, submission, wanted


def test_no_control_sequence_of_a_label_reaches_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "shjobs.toml").write_text('deployment = "sandbox"\n', encoding="utf-8")
    (tmp_path / "state").mkdir()
    with Store.open(tmp_path / "state", {}) as store, store.transaction():
        store.save_job(job(history=None, wanted=wanted(labels=(("team", "\x1b[31mred\u202e"),))), "{}")
        store.add(submission(number=0, intended_at=datetime.now(UTC)), "{}")
    shown = shjobs("budget", "--by", "team", cwd=tmp_path).stdout
    assert r"\x1b[31mred\u202e" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "\n  LABEL" in shown
