"""What an operator says is about the files as they are: a scan that was not due yet must not turn it into nothing."""

from datetime import timedelta
from pathlib import Path

from controller.lifecycle.commands import Adopt
from tests.support.factories import NOW, REQUEST_ID
from tests.support.set_loops import PLAIN, running, settings_of


def test_a_request_that_is_adopted_for_a_file_that_no_scan_has_seen_is_not_paid_for(tmp_path: Path) -> None:
    settings_of(tmp_path)
    (tmp_path / "jobs.d" / "other.yaml").write_text(
        PLAIN.replace("name: plain", "name: other").replace("14.40", "14.41")
    )
    with running(tmp_path, NOW) as it:
        it.rest()
        it.turns(1)
        (tmp_path / "jobs.d" / "plain.yaml").write_text(PLAIN)
        it.now += timedelta(seconds=1)
        with it.store.transaction():
            it.store.add_command(it.now, Adopt(job="plain", request_id=REQUEST_ID).model_dump_json())
        it.turns(1)
        (run,) = it.ledger.of("plain")
        assert (run.request_id, "plain" in it.posted) == (REQUEST_ID, False)
