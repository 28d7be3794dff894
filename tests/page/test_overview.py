"""The first page: what needs an operator comes first, with the command to copy."""

from dataclasses import replace
from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.ledger.pause import pause
from controller.page.message import DaemonFacts, PageRequest
from controller.page.site import Site
from controller.settings.git import CURRENT, GitSource
from controller.source.facts import SourceFacts, after, facts_before
from controller.source.outcome import SourceStale, Unchanged
from tests.support.factories import NOW
from tests.support.pages import html, twin

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
