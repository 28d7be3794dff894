"""The status of commits with the real loop, a real repository, a real ledger, and a host on loopback."""

import logging
import shutil
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from controller.ledger.commits.statuses import CommitStatuses
from controller.lifecycle.commands import Retry
from controller.notify.hosts.sender import CommitSender, host_of
from controller.notify.tally import Backlog, Tally
from tests.support.commits import commit, revert, run_for, sender_to, sink_to
from tests.support.git_hosts import OTHER, TOKEN, StatusHost
from tests.support.set_loops import PLAIN, Running, farm, running, settings_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTEXT = "shjobs/0a1b2c3d"
KINDS = ("github", "gitlab", "gitea")
FAILURE = {"github": "failure", "gitlab": "failed", "gitea": "failure"}


def written(root: Path, *names: str, width: int = 600) -> None:
    settings_of(root)
    for name in names:
        text = PLAIN.replace("name: plain", f"name: {name}").replace("/plain,", f"/{name},")
        (root / "jobs.d" / f"{name}.yaml").write_text(text.replace("width: 600", f"width: {width}"), encoding="utf-8")


def named(run: Running, name: str = "0a1b2c3d") -> Running:
    """The loop with a ledger of this name."""
    run.ledger.instance(lambda: name)
    return run


def rest(run: Running, now: datetime) -> None:
    """Turn until nothing is under way any more, and report it."""
    run.rest(now)
    run.loop.report(run.now)


@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_is_pending_until_everything_of_it_is_delivered(tmp_path: Path, kind: str) -> None:
    written(tmp_path, "a", "b")
    with StatusHost(kind=kind) as host, running(tmp_path, NOW, touches=True) as run:
        this, sender = commit(tmp_path, host), sender_to(host, tmp_path / "state", page="https://page.example")
        named(run).unfinished.add("b")
        rest(run, NOW)
        end = run_for(sender, run.now, 300)
        run.unfinished.clear()
        rest(run, end + timedelta(seconds=30))
        run_for(sender, run.now, 300)
        sender.close()
    states = [state for state, _ in host.sent(this)]
    assert (states[-1], len(set(states))) == ("success", 2)
    assert host.shown(this) == [(CONTEXT, "success", "2 of 2 delivered, 2 PU")]
    assert host.statuses[-1]["target_url"] == "https://page.example"


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_job_fails_its_commit_and_no_other(tmp_path: Path, kind: str) -> None:
    written(tmp_path, "a")
    with StatusHost(kind=kind) as host, running(tmp_path, NOW, touches=True) as run:
        sender, good = sender_to(host, tmp_path / "state"), commit(tmp_path, host)
        rest(named(run), NOW)
        end = run_for(sender, run.now, 100)
        written(tmp_path, "b")
        bad = commit(tmp_path, host)
        run.failing.add("b")
        rest(run, end)
        run_for(sender, run.now, 100)
        sender.close()
    assert [words for _, _, words in host.shown(good)] == ["1 of 1 delivered, 1 PU"]
    assert host.shown(bad) == [(CONTEXT, FAILURE[kind], "0 of 1 delivered, 1 failed, 1 PU")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_retry_makes_a_failed_commit_a_success_after_its_other_jobs_came_to_later_ones(
    tmp_path: Path, kind: str
) -> None:
    written(tmp_path, "a", "b", "c")
    with StatusHost(kind=kind) as host, running(tmp_path, NOW, touches=True) as run:
        sender, first = sender_to(host, tmp_path / "state"), commit(tmp_path, host)
        named(run).failing.add("a")
        rest(run, NOW)
        end = run_for(sender, run.now, 100)
        for name in ("b", "c"):
            written(tmp_path, name, width=500)
            commit(tmp_path, host)
            rest(run, end)
            end = run_for(sender, run.now, 100)
        failed = host.shown(first)
        run.failing.clear()
        with run.store.transaction():
            runs = (("a", run.ledger.of("a")[-1].id),)
            run.store.add_command(end, Retry(runs=runs, by="ann@workstation").model_dump_json())
        rest(run, end)
        run_for(sender, run.now, 100)
        sender.close()
    assert failed == [(CONTEXT, FAILURE[kind], "2 of 3 delivered, 1 failed, 3 PU")]
    assert host.shown(first) == [(CONTEXT, "success", "1 of 1 delivered, 4 PU")]
    assert [state for state, _ in host.sent(first)].count(FAILURE[kind]) == 1


def test_what_waits_for_a_yes_says_what_to_type_and_ends_as_a_success(tmp_path: Path) -> None:
    settings_of(tmp_path)
    (tmp_path / "jobs.d" / "farm.yaml").write_text(farm("from: 2025-09, to: 2025-12"), encoding="utf-8")
    with StatusHost(kind="github") as host, running(tmp_path, NOW, "largeChangeJobs = 2", touches=True) as run:
        sender, this = sender_to(host, tmp_path / "state"), commit(tmp_path, host)
        rest(named(run), NOW)
        end = run_for(sender, run.now, 100)
        [(label, jobs, _)] = run.waiting()
        held = host.shown(this)
        run.accept(label)
        rest(run, end)
        run_for(sender, run.now, 100)
        sender.close()
    words = f"0 of {jobs} delivered, {jobs} wait for a yes: shjobs accept {label}, 0 PU"
    assert [(state, said) for _, state, said in held] == [("pending", words)]
    assert [(state, said) for _, state, said in host.shown(this)] == [
        ("success", f"{jobs} of {jobs} delivered, {jobs} PU")
    ]


def test_a_commit_whose_jobs_all_want_something_newer_ends_as_replaced(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github") as host, running(tmp_path, NOW, touches=True) as run:
        sender, first = sender_to(host, tmp_path / "state"), commit(tmp_path, host)
        named(run).unfinished.add("a")
        rest(run, NOW)
        end = run_for(sender, run.now, 100)
        written(tmp_path, "a", width=500)
        second = commit(tmp_path, host)
        run.unfinished.clear()
        rest(run, end)
        run_for(sender, run.now, 100)
        sender.close()
    assert [words for _, _, words in host.shown(first)] == [f"replaced by {second[:7]}"]
    assert [words for _, _, words in host.shown(second)] == ["1 of 1 delivered, 1 PU"]


def test_a_revert_is_a_commit_of_its_own_that_costs_nothing(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github") as host, running(tmp_path, NOW, touches=True) as run:
        sender, made = sender_to(host, tmp_path / "state"), [commit(tmp_path, host)]
        rest(named(run), NOW)
        end = run_for(sender, run.now, 100)
        written(tmp_path, "a", width=500)
        made.append(commit(tmp_path, host))
        rest(run, end)
        end = run_for(sender, run.now, 100)
        made.append(revert(tmp_path, host))
        rest(run, end)
        run_for(sender, run.now, 100)
        sender.close()
    assert [host.shown(each)[0][1:] for each in made] == [
        ("success", "1 of 1 delivered, 1 PU"),
        ("success", "1 of 1 delivered, 1 PU"),
        ("success", "1 of 1 delivered, 0 PU"),
    ]
    assert [len([state for state, _ in host.sent(each) if state == "success"]) for each in made] == [1, 1, 1]


def test_a_lost_ledger_reports_the_commit_that_is_checked_out(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github") as host:
        first = commit(tmp_path, host)
        with running(tmp_path, NOW, touches=True) as run:
            rest(named(run), NOW)
            run_for(sender := sender_to(host, tmp_path / "state"), run.now, 100)
            sender.close()
        written(tmp_path, "b")
        second = commit(tmp_path, host)
        shutil.rmtree(tmp_path / "state")
        with running(tmp_path, NOW, touches=True) as run:
            rest(named(run, "99999999"), NOW + timedelta(hours=1))
            run_for(sender := sender_to(host, tmp_path / "state"), run.now, 100)
            sender.close()
    assert [each[1:] for each in host.shown(first)] == [("success", "1 of 1 delivered, 1 PU")]
    assert host.shown(second) == [("shjobs/99999999", "success", "2 of 2 delivered, 2 PU")]


def test_two_controllers_have_a_context_each(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    written(tmp_path / "one", "a")
    with StatusHost(kind="github") as host:
        this = commit(tmp_path / "one", host)
        shutil.copytree(tmp_path / "one", tmp_path / "two")
        for name in ("one", "two"):
            with running(tmp_path / name, NOW, touches=True) as run:
                if name == "two":
                    run.failing.add("a")
                rest(named(run, name), NOW)
                run_for(sender := sender_to(host, tmp_path / name / "state"), run.now, 100)
                sender.close()
    assert [each[:2] for each in host.shown(this)] == [("shjobs/one", "success"), ("shjobs/two", "failure")]


def test_a_busy_commit_is_sent_at_most_once_a_minute(tmp_path: Path) -> None:
    names = [f"job-{number}" for number in range(6)]
    written(tmp_path, *names)
    times: list[datetime] = []
    with StatusHost(kind="github") as host, running(tmp_path, NOW, touches=True) as run:
        sender, this = sender_to(host, tmp_path / "state"), commit(tmp_path, host)
        named(run).unfinished.update(names)
        rest(run, NOW)
        for name in names:
            run.unfinished.discard(name)
            rest(run, run.now + timedelta(seconds=1))
            before, at = len(host.requests), run.now
            sender.run_once(at)
            times += [at] * (len(host.requests) - before)
        end = run_for(sender, run.now, 200)
        sender.close()
    assert end - NOW > timedelta(minutes=2)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert all(gap >= 60 for gap in gaps)
    assert host.sent(this)[-1] == ("success", "6 of 6 delivered, 6 PU")
    assert [state for state, _ in host.sent(this)].count("success") == 1


def test_a_dirty_tree_is_the_state_of_no_commit(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github") as host:
        commit(tmp_path, host)
        written(tmp_path, "a", width=500)
        with running(tmp_path, NOW, touches=True) as run:
            rest(named(run), NOW)
            run_for(sender := sender_to(host, tmp_path / "state"), run.now, 100)
            sender.close()
    assert host.requests == []


def test_a_sink_that_is_new_hears_of_the_newest_commit_only(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github") as host, running(tmp_path, NOW, touches=True) as run:
        first = commit(tmp_path, host)
        rest(named(run), NOW)
        written(tmp_path, "b")
        second = commit(tmp_path, host)
        rest(run, run.now)
        run_for(sender := sender_to(host, tmp_path / "state"), run.now, 100)
        sender.close()
    assert (host.sent(first), len(host.sent(second))) == ([], 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_that_is_pushed_later_gets_its_status_then(tmp_path: Path, kind: str) -> None:
    written(tmp_path, "a")
    with StatusHost(kind=kind) as host, running(tmp_path, NOW, touches=True) as run:
        this, sender = commit(tmp_path), sender_to(host, tmp_path / "state")
        rest(named(run), NOW)
        end = run_for(sender, run.now, 100)
        asked = len(host.requests)
        host.commits.add(this)
        run_for(sender, end, 100)
        sender.close()
    assert asked == 5  # at once, and after 5, 10, 20 and 40 seconds
    assert host.shown(this) == [(CONTEXT, "success", "1 of 1 delivered, 1 PU")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_that_is_never_pushed_holds_up_no_other_and_is_given_up_after_a_day(tmp_path: Path, kind: str) -> None:
    written(tmp_path, "a")
    with StatusHost(kind=kind) as host, running(tmp_path, NOW, touches=True) as run:
        local, sender = commit(tmp_path), sender_to(host, tmp_path / "state")
        rest(named(run), NOW)
        end = run_for(sender, run.now, 5)
        written(tmp_path, "b")
        pushed = commit(tmp_path, host)
        rest(run, end)
        end = run_for(sender, run.now, 100)
        assert host.shown(pushed) == [(CONTEXT, "success", "1 of 1 delivered, 1 PU")]
        run_for(sender, end, 2 * 86_400)
        sender.close()
    assert len(host.sent(local)) == 34


@pytest.mark.parametrize(
    "host",
    [
        pytest.param(StatusHost(kind="github", users={}), id="a token that GitHub does not know"),
        pytest.param(StatusHost(kind="gitlab", users={}), id="a token that GitLab does not know"),
        pytest.param(StatusHost(kind="gitea", users={}), id="a token that Gitea does not know"),
        pytest.param(StatusHost(kind="github", read_only=True), id="a token that may only read"),
        pytest.param(
            StatusHost(kind="github", fails=lambda _given: (404, {"message": "Not Found"}, {})),
            id="a repository that is not there",
        ),
        pytest.param(
            StatusHost(
                kind="github", fails=lambda _given: (301, {"message": "Moved"}, {"Location": "http://127.0.0.1:1/"})
            ),
            id="a repository that has moved",
        ),
    ],
)
def test_what_denies_us_is_said_once_and_asked_again_each_hour(
    tmp_path: Path, host: StatusHost, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    written(tmp_path, "a")
    caplog.set_level(logging.INFO)
    with host, running(tmp_path, NOW, touches=True) as run:
        commit(tmp_path, host)
        rest(named(run), NOW)
        run_for(sender := sender_to(host, tmp_path / "state"), run.now, 2.5 * 3600)
        assert len(host.requests) == 3
        host.users, host.read_only, host.fails = {TOKEN: "shjobs"}, False, lambda _given: None
        run_for(sender, run.now + timedelta(hours=4), 100)
        sender.close()
    said = [each.getMessage() for each in caplog.records if each.name.startswith("controller.notify")]
    assert len(said) == 2
    assert "see tokenFile, repository and url" in said[0]
    assert said[1] == "code: the status of commits is sent again"
    assert TOKEN not in caplog.text
    assert len(host.statuses) == 1


@pytest.mark.parametrize(
    ("token", "pending"),
    [
        pytest.param("expired", 2, id="an expired token"),
        pytest.param(None, 1, id="no token yet, so that only the newest counts"),
    ],
)
def test_commits_that_wait_for_a_token_are_counted_since_it_is_of_no_use(
    tmp_path: Path, token: str | None, pending: int
) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github") as host, running(tmp_path, NOW, touches=True) as run:
        commit(tmp_path, host)
        rest(named(run), NOW)
        sink, tally, since = sink_to(host, token), Tally(("code",)), run.now
        ledger = CommitStatuses(tmp_path / "state", "code")
        sender = CommitSender(lambda: sink, host_of, ledger, waiting=lambda each: tally.waiting("code", each))
        end = run_for(sender, since, 60)
        assert tally.backlogs() == {"code": Backlog(pending=1, oldest_at=since)}
        written(tmp_path, "b")
        commit(tmp_path, host)
        rest(run, end)
        end = run_for(sender, run.now, 2 * 3600)
        assert tally.backlogs() == {"code": Backlog(pending=pending, oldest_at=since)}
        sink = sink_to(host)
        run_for(sender, end, 60)
        sender.close()
    assert len(host.statuses) == pending
    assert tally.backlogs() == {"code": Backlog()}


def test_another_token_is_tried_at_once(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github") as host, running(tmp_path, NOW, touches=True) as run:
        commit(tmp_path, host)
        rest(named(run), NOW)
        sinks = [sink_to(host, token) for token in (None, "expired", TOKEN)]
        sender = CommitSender(lambda: sinks[0], host_of, CommitStatuses(tmp_path / "state", "code"))
        end = run_for(sender, run.now, 60)
        asked = [len(host.requests)]
        for _ in range(2):
            del sinks[0]
            end = run_for(sender, end, 60)
            asked.append(len(host.requests))
        sender.close()
    assert (asked, len(host.statuses)) == ([0, 1, 2], 1)


def test_a_host_that_is_gone_for_a_day_is_sent_the_end_once(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with running(tmp_path, NOW, touches=True) as run:
        this = commit(tmp_path)
        named(run).unfinished.add("a")
        with StatusHost(kind="github") as gone:
            sender = sender_to(gone, tmp_path / "state")
        rest(run, NOW)
        end = run_for(sender, run.now, 86_400)
        sender.close()
        run.unfinished.clear()
        rest(run, end)
        with StatusHost(kind="github", commits={this}) as host:
            sender = sender_to(host, tmp_path / "state")
            run_for(sender, run.now, 600)
            sender.close()
    assert host.sent(this) == [("success", "1 of 1 delivered, 1 PU")]


def test_a_host_that_fails_is_asked_again_with_growing_pauses(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github", fails=lambda _given: (502, {"message": "bad gateway"}, {})) as host:
        this = commit(tmp_path, host)
        with running(tmp_path, NOW, touches=True) as run:
            rest(named(run), NOW)
            run_for(sender := sender_to(host, tmp_path / "state"), run.now, 3 * 86_400)
            sender.close()
    assert len(host.sent(this)) == 34  # about a day, then no more


def test_a_status_that_a_clock_that_was_ahead_put_off_is_sent_when_it_is_right(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github", fails=lambda _given: (502, {"message": "bad gateway"}, {})) as host:
        this = commit(tmp_path, host)
        with running(tmp_path, NOW, touches=True) as run:
            rest(named(run), NOW)
            sender = sender_to(host, tmp_path / "state")
            sender.run_once(run.now + timedelta(days=30))
            host.fails = lambda _given: None
            run_for(sender, run.now, 60)
            sender.close()
    assert host.shown(this) == [(CONTEXT, "success", "1 of 1 delivered, 1 PU")]


def test_a_host_that_names_a_time_is_left_alone_until_then(tmp_path: Path) -> None:
    written(tmp_path, "a")
    limited = {"Retry-After": "600"}
    with StatusHost(kind="github", fails=lambda _given: (403, {"message": "rate limit"}, limited)) as host:
        commit(tmp_path, host)
        with running(tmp_path, NOW, touches=True) as run:
            rest(named(run), NOW)
            run_for(sender := sender_to(host, tmp_path / "state"), run.now, 590)
            asked = len(host.requests)
            host.fails = lambda _given: None
            run_for(sender, run.now + timedelta(seconds=591), 60)
            sender.close()
    assert (asked, len(host.statuses)) == (1, 1)


def test_an_idle_ledger_is_not_read(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with StatusHost(kind="github") as host, running(tmp_path, NOW, touches=True) as run:
        commit(tmp_path, host)
        rest(named(run), NOW)
        sender = sender_to(host, tmp_path / "state")
        end = run_for(sender, run.now, 300)
        read: list[str] = []
        assert sender._ledger._connection is not None
        sender._ledger._connection.set_trace_callback(read.append)
        run_for(sender, end, 60)
        sender.close()
    assert set(read) <= {"pragma data_version", "BEGIN ", "COMMIT"}
    assert len(read) >= 12


def test_no_token_is_in_the_ledger_whatever_the_host_repeats(tmp_path: Path) -> None:
    written(tmp_path, "a")
    echo = {"message": f"no scope for {OTHER}"}
    with StatusHost(kind="github", fails=lambda _given: (500, echo, {})) as host:
        commit(tmp_path, host)
        with running(tmp_path, NOW, touches=True) as run:
            rest(named(run), NOW)
            run_for(sender := sender_to(host, tmp_path / "state", token=OTHER), run.now, 100)
            sender.close()
    ledger = b"".join(each.read_bytes() for each in (tmp_path / "state").glob("shjobs.db*"))
    assert b"no scope for ***" in ledger
    assert OTHER.encode() not in ledger
