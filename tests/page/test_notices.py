"""The page of events shows what was sent to the sinks, and why what waits was not taken."""

from contextlib import closing
from pathlib import Path

from controller.cli.settings import load_settings
from controller.ledger.commits.statuses import CommitStatuses
from controller.ledger.store import Store
from controller.model.notices.commit import SentStatus
from controller.model.notices.event import Topic
from controller.notify.sender import NotSent
from controller.page.site import Site
from tests.support.outboxes import Sending, recorded
from tests.support.pages import html, twin
from tests.support.receiver import NOW, event

HOSTILE = "<script>alert(1)</script>"


def sent_and_failed(root: Path) -> None:
    recorded(root / "state", [event("lake", Topic.HELD), event(HOSTILE), event("shore")])
    sending = Sending(root / "state")
    sending.answers = [NotSent(message="it answered 410 Gone", is_refused=True), NotSent(message=f"no {HOSTILE}")]
    with sending.opened() as sender:
        sender.run_once(NOW)


def test_it_shows_each_sink_and_each_message(listed: Site, root: Path) -> None:
    sent_and_failed(root)
    found = twin(listed, "/events.json")
    assert found["sinks"] == [
        {
            "name": "team", "pending": 3, "oldest": "2026-06-01T12:00:00Z", "sent": 0, "givenUp": 0,
            "nextTry": "2026-06-01T12:00:00Z", "lastError": f"no {HOSTILE}",
        }
    ]  # fmt: skip
    assert [(each["job"], each["state"], each.get("error"), each["tries"]) for each in found["messages"]] == [
        ("shore", "pending", None, 0),
        (HOSTILE, "pending", f"no {HOSTILE}", 1),
        ("lake", "pending", "it answered 410 Gone", 1),
    ]
    page = html(listed, "/events")
    assert HOSTILE not in page
    assert "it answered 410 Gone" in page


def test_what_was_sent_has_no_error_any_more(listed: Site, root: Path) -> None:
    sent_and_failed(root)
    sending = Sending(root / "state")
    with sending.opened() as sender:
        sender.run_once(sending.after(hours=2))
    found = twin(listed, "/events.json")
    [sink] = found["sinks"]
    assert (sink["sent"], sink["pending"], sink["lastSent"], sink.get("lastError")) == (
        3, 0, "2026-06-01T14:00:00Z", None,
    )  # fmt: skip
    assert {each["state"] for each in found["messages"]} == {"sent"}
    assert "Messages" in html(listed, "/events")


def test_a_sink_for_the_status_of_commits_is_shown_too(root: Path) -> None:
    file, commit = root / "shjobs.toml", "5e" * 20
    notify = '[notify.code]\ntype = "github"\nrepository = "agri/rasters"\ntokenFile = "token"\n'
    file.write_text(f"{file.read_text()}{notify}", encoding="utf-8")
    (root / "token").write_text("canary-token", encoding="utf-8")
    with Store.open(root / "state", {}) as store, store.transaction():
        store.commits.touch([commit], NOW)
    with closing(CommitStatuses(root / "state", "code")) as statuses:
        statuses.keep(commit, SentStatus(state="pending", times=2, sent_at=NOW, error="it answered 403 Forbidden"))
    site = Site(load_settings(file, {}))
    found = twin(site, "/events.json")
    expected = {"name": "code", "pending": 0, "sent": 2, "givenUp": 0, "lastSent": "2026-06-01T12:00:00Z"}
    assert found["sinks"] == [{**expected, "lastError": "it answered 403 Forbidden"}]
    page = html(site, "/events")
    assert "<bdi>code</bdi>" in page
    assert "it answered 403 Forbidden" in page
    assert "canary-token" not in page


def test_only_the_first_page_of_all_events_has_it(listed: Site, root: Path) -> None:
    sent_and_failed(root)
    for address in ("/events.json?job=lake", "/events.json?before=3"):
        assert "sinks" not in twin(listed, address)


def test_without_a_sink_there_is_nothing_of_it(listed: Site) -> None:
    assert "sinks" not in twin(listed, "/events.json")
    assert "Messages" not in html(listed, "/events")
