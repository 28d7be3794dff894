"""The first page: what needs an operator comes first, with the command to copy."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.ledger.pause import pause
from controller.ledger.reads.rejected import STAYS_IN_FORCE
from controller.ledger.store import Store
from controller.operations.inspect.selection import Selection, streamed
from controller.page.export import export_pages
from controller.page.message import DaemonFacts, PageRequest
from controller.page.site import Site
from controller.settings.git import CURRENT, GitSource
from controller.source.facts import SourceFacts, after, facts_before
from controller.source.outcome import SourceStale, Unchanged
from tests.support.factories import NOW
from tests.support.listed import JOBS
from tests.support.page_states import PageState, write_plain
from tests.support.pages import html, twin
from tests.support.set_loops import ENVIRONMENT, running

COMMIT = "0d" * 20
TOLD = facts_before(GitSource(url="https://git.example/jobs"), NOW)


def test_what_needs_an_operator_is_named_with_its_command(listed: Site) -> None:
    needs = twin(listed, "/overview.json")["needs"]
    assert [(each["reason"], each["count"], [row["name"] for row in each["jobs"]]) for each in needs] == [
        ("LargeChange", 1, ["shore"]),
        ("NeedsPerson", 1, ["swamp"]),
        ("Rejected", 1, ["bad"]),
        ("ErrorReported", 1, ["alps-2"]),
    ]
    assert [[each["command"] for each in need["commands"]] for need in needs] == [
        ["shjobs plan", "shjobs accept 3fa1c02be7d9"],
        ["shjobs resolve swamp --request-id ID", "shjobs resolve swamp --not-accepted"],
        ["shjobs check jobs.d/bad.yaml"],
        ["shjobs retry alps-2"],
    ]
    page = html(listed, "/")
    assert "4 of 7 jobs need you" in page and '<code class="command">shjobs accept 3fa1c02be7d9</code>' in page


def test_what_is_under_way_and_the_phases_are_counted(listed: Site) -> None:
    found = twin(listed, "/overview.json")
    assert [row["name"] for row in found["running"]] == ["swamp", "lake"]
    assert found["phases"] == {
        "Invalid": 1, "Held": 1, "Pending": 1, "Unconfirmed": 1, "Running": 1, "Succeeded": 1, "Failed": 1,
    }  # fmt: skip
    assert found["labels"] == ["set", "team"]


def newcomer(root: Path) -> None:
    write_plain(root, "winter.yaml", "ndvi-malta", 9, {})


def edited(root: Path) -> None:
    file = root / "jobs.d" / "ndvi-malta.yaml"
    file.write_text(file.read_text().replace("width: 600", "width: -1"))


@pytest.mark.parametrize(
    ("change", "headline", "phases", "total"),
    [
        pytest.param(newcomer, "1 of 2 jobs need you", {"Invalid": 1, "Succeeded": 1}, 2, id="another of its name"),
        pytest.param(edited, "1 change has no effect", {"Succeeded": 1}, 1, id="the manifest of the delivered job"),
    ],
)
def test_a_merge_without_effect_is_not_well(
    tmp_path: Path, change: Callable[[Path], None], headline: str, phases: dict[str, int], total: int
) -> None:
    with running(tmp_path, NOW) as loop:
        for number, name in enumerate(("ndvi-malta", "gone-a", "gone-b")):
            write_plain(tmp_path, f"{name}.yaml", name, number, {})
        loop.rest(NOW)
        for name in ("gone-a", "gone-b"):
            (tmp_path / "jobs.d" / f"{name}.yaml").unlink()
        loop.rest()
        change(tmp_path)
        loop.rest()
        loop.loop.report(loop.now)
        kinds, sentence = sum(loop.loop.rejections.kinds().values()), loop.loop.rejections.sentence()
        state = PageState(root=tmp_path, now=loop.now, environment=ENVIRONMENT)
    overview = twin(Site(state.settings()), "/overview.json")
    shown = Counter(each["phase"] for each in streamed(state.settings(), Selection(), state.now))
    assert {phase: count for phase, count in overview["phases"].items() if phase != "Removed"} == phases == shown
    assert (overview["total"], overview["tree"]["rejection"]) == (total, sentence)
    assert kinds == 1
    page = export_pages(state.settings(), tmp_path / "out").read_text(encoding="utf-8")
    assert f"<h1>{headline}</h1>" in page
    assert "Nothing: no job waits" not in page
    assert "<dt>not accepted</dt>" in page
    assert "shjobs check" in page


def test_jobs_that_need_an_operator_and_changes_without_effect_are_both_counted(listed: Site, root: Path) -> None:
    with Store.open(root / "state", {}) as store, store.transaction():
        for name in ("moor", "alps-1"):
            store.set_fact(f"rejected {name}.yaml", f"{name}: E102 no url; {STAYS_IN_FORCE}")
    assert "<h1>4 of 7 jobs need you, and 2 changes have no effect</h1>" in html(listed, "/")
    found = twin(listed, "/overview.json")["changes"]
    assert [each["name"] for each in found["jobs"]] == ["alps-1", "moor"]
    assert [each["command"] for each in found["commands"]] == ["shjobs check"]


def test_removed_jobs_alone_are_no_jobs(listed: Site, root: Path) -> None:
    with Store.open(root / "state", {}) as store, store.transaction():
        store.forget_fact("rejected bad.yaml")
        store.mark_reported(dict.fromkeys(JOBS, "Removed: the manifest is gone"), NOW)
    assert "<h1>No jobs any more</h1>" in html(listed, "/")
    assert twin(listed, "/overview.json")["total"] == 0


def test_nothing_at_all_is_a_page_too(empty_site: Site) -> None:
    assert "No jobs yet" in html(empty_site, "/")
    health = {each["name"]: each for each in twin(empty_site, "/overview.json")["health"]}
    assert health["ledger"]["state"] == "not well"
    assert health["controller"]["state"] == "not running"


@pytest.mark.parametrize(
    ("unready", "name"),
    [
        pytest.param(("ScanStale", "the tree was last scanned long ago"), "tree", id="a tree that is not read"),
        pytest.param(("CredentialsRefused", "HTTP 401"), "service", id="a service that refuses the account"),
        pytest.param(("LedgerUnusable", "the disk is full"), "ledger", id="a ledger that cannot be written"),
    ],
)
def test_what_the_daemon_knows_is_shown(listed: Site, unready: tuple[str, str], name: str) -> None:
    facts = DaemonFacts(unready=(unready,), rejection="1 manifest has no effect", scanned_at=NOW)
    page = listed.respond(replace(PageRequest(path="/"), facts=facts)).content.decode()
    assert unready[1] in page and "1 manifest has no effect" in page
    states = [name for name in ("tree", "service", "ledger") if f'<dt>{name}</dt><dd><span class="phase bad">' in page]
    assert states == [name]


def test_the_folder_of_the_manifests_is_named_and_no_other_setting(listed: Site, root: Path) -> None:
    assert twin(listed, "/overview.json")["tree"]["folder"] == str(root / "jobs.d")
    page = html(listed, "/")
    assert f"<dt>manifests</dt><dd>{root}/jobs.d" in page and "client_id" not in page


def test_a_pause_is_said_with_who_ordered_it(listed: Site, root: Path) -> None:
    pause(root / "state", "olga@farm", NOW)
    page = html(listed, "/")
    assert "Paused." in page and "olga@farm" in page and "shjobs resume" in page


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(None, ["<code>0d0d0d0d0d0d</code>"], id="what the link says, without a daemon"),
        pytest.param(
            after(TOLD, Unchanged(commit=COMMIT), NOW), ["<code>0d0d0d0d0d0d</code>", "last fetch"], id="well"
        ),
        pytest.param(
            after(TOLD, SourceStale(message="git.example does not answer"), NOW),
            ["nothing yet", '<dt>not fetched</dt><dd class="bad">git.example does not answer'],
            id="a repository that does not answer",
        ),
    ],
)
def test_a_repository_is_named_with_what_is_in_force(
    root: Path, facts: SourceFacts | None, expected: list[str]
) -> None:
    settings = load_settings(_with_git(root), {"SHJOBS_GIT_TOKEN": "canary-token"})
    if facts is None:
        (root / "state" / CURRENT).parent.mkdir(parents=True)
        (root / "state" / CURRENT).symlink_to(f"trees/{COMMIT}")
    site = Site(settings)
    unready = (("SourceStale", "no"),) if facts and facts.stale else ()
    known = DaemonFacts(source=facts, unready=unready) if facts else None
    page = site.respond(PageRequest(path="/", facts=known)).content.decode()
    assert "https://git.example/jobs" in page and "<code>main</code>" in page and "canary-token" not in page
    assert [each for each in expected if each not in page] == []
    assert ('<dt>source</dt><dd><span class="phase bad">' in page) == bool(unready)


def test_a_folder_that_something_else_writes_has_no_source(listed: Site) -> None:
    found = twin(listed, "/overview.json")
    assert found["tree"]["source"] is None and "source" not in [each["name"] for each in found["health"]]


def _with_git(root: Path) -> Path:
    file = root / "shjobs.toml"
    file.write_text(f'{file.read_text()}[git]\nurl = "https://git.example/jobs"\nref = "main"\n', encoding="utf-8")
    return file
