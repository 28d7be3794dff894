"""What is known of the source after each fetch, and when that means not ready."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controller.limits.budget import Spending
from controller.reconcile.health import Health, unready_conditions
from controller.settings.git import CURRENT, GitSource
from controller.source.facts import SourceFacts, after, facts_before, source_conditions, standing
from controller.source.layout import commit_in_force
from controller.source.outcome import Fetched, SourceStale, SourceUnverified, Swapped, Unchanged
from tests.support.factories import NOW

OLD, NEW = "0d" * 20, "5e" * 20
GONE = SourceStale(message="git.example does not answer")
FORGED = SourceUnverified(commit=NEW, message="5e5e5e5e5e5e is not signed")
SAME = Unchanged(commit=OLD)
HELD = f"nothing is submitted from commit {OLD[:12]}, which was in force: {OLD[:12]} is not signed"


def told(*outcomes: Fetched, every: float = 60.0, commit: str = OLD) -> SourceFacts:
    """What is known after these fetches, one every minute, the last of them at `NOW`."""
    began = NOW - timedelta(minutes=len(outcomes))
    facts = facts_before(
        GitSource(url="https://git.example/jobs", every=every), began, commit, began if commit else None
    )
    for number, outcome in enumerate(outcomes, 1):
        facts = after(facts, outcome, began + timedelta(minutes=number))
    return facts


def words(facts: SourceFacts, now: datetime) -> list[str]:
    health = Health(at=now, scanned_at=now, spending=Spending(month="2026-03"), source=facts)
    return [word for word, _ in unready_conditions(health, now, 60.0)]


@pytest.mark.parametrize(
    ("facts", "minutes", "expected"),
    [
        pytest.param(told(SAME), 0, [], id="all is well"),
        pytest.param(told(), 0, [], id="a tree of an earlier run is in force before the first fetch"),
        pytest.param(told(commit=""), 0, ["SourceStale"], id="nothing was ever fetched"),
        pytest.param(told(GONE, commit=""), 0, ["SourceStale"], id="and the first fetch failed"),
        pytest.param(told(FORGED, commit=""), 0, ["SourceUnverified", "SourceStale"], id="or is not to be trusted"),
        pytest.param(told(Swapped(commit=OLD, before=None), commit=""), 0, [], id="until something is"),
        pytest.param(told(SAME, GONE), 8, [], id="a fetch that failed is no reason"),
        pytest.param(told(SAME, GONE), 9, [], id="ten that are due are none"),
        pytest.param(told(SAME, GONE), 9.1, ["SourceStale"], id="ten that failed are"),
        pytest.param(told(GONE), 9.1, ["SourceStale"], id="also where the repository never answered this process"),
        pytest.param(told(SAME), 10.1, ["SourceStale"], id="also where a fetch hangs"),
        pytest.param(told(SAME, GONE, every=1.0), 9, [], id="ten minutes are the least"),
        pytest.param(told(SAME, GONE, every=600.0), 98, [], id="a repository that is rarely asked has longer"),
        pytest.param(told(SAME, GONE, every=600.0), 100, ["SourceStale"], id="but not for ever"),
        pytest.param(told(SAME, GONE, SAME), 9.1, [], id="an answer ends it"),
        pytest.param(told(SAME, FORGED), 0, ["SourceUnverified"], id="a commit that is not signed is a reason at once"),
        pytest.param(told(FORGED, GONE), 0, ["SourceUnverified"], id="it is not forgotten while nothing answers"),
        pytest.param(told(FORGED, SAME), 0, [], id="it is once the repository names another"),
    ],
)
def test_ready_says_what_is_wrong_with_the_source(facts: SourceFacts, minutes: float, expected: list[str]) -> None:
    assert words(facts, NOW + timedelta(minutes=minutes)) == expected


@pytest.mark.parametrize(
    ("outcome", "minutes", "expected"),
    [
        pytest.param(GONE, 0, {"SourceUnverified": HELD}, id="nothing answers"),
        pytest.param(FORGED, 0, {"SourceUnverified": f"{HELD}; {FORGED.message}"}, id="another one is not signed"),
        pytest.param(
            SourceUnverified(commit=OLD, message="0d0d0d0d0d0d is not signed"), 0, {"SourceUnverified": HELD},
            id="it is still named, and not signed",
        ),
        pytest.param(SAME, 0, {}, id="its signature counts again"),
        pytest.param(
            GONE, 10.1,
            {
                "SourceUnverified": HELD,
                "SourceStale": f"the repository last answered at {NOW:%Y-%m-%dT%H:%M:%SZ}; no tree is in force: "
                "git.example does not answer",
            },
            id="nothing answers for long",
        ),
    ],
)  # fmt: skip
def test_what_is_in_force_no_more_is_said(outcome: Fetched, minutes: float, expected: dict[str, str]) -> None:
    facts = after(standing(told(SAME), "", None, HELD), outcome, NOW)
    assert dict(source_conditions(facts, NOW + timedelta(minutes=minutes))) == expected


def test_a_new_commit_is_in_force_since_its_fetch_and_no_other_fetch_changes_that() -> None:
    facts = told(SAME, Swapped(commit=NEW, before=OLD), Unchanged(commit=NEW), GONE)
    assert (facts.commit, facts.since) == (NEW, NOW - timedelta(minutes=2))
    assert (facts.good_at, facts.fetched_at) == (NOW - timedelta(minutes=1), NOW)
    assert facts.fetches == {"unchanged": 2, "swapped": 1, "stale": 1}


def test_a_commit_that_is_refused_is_an_answer_and_no_good_one() -> None:
    facts = told(SAME, FORGED)
    assert (facts.commit, facts.answered_at, facts.good_at) == (OLD, NOW, NOW - timedelta(minutes=1))


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(f"trees/{OLD}", OLD, id="a tree of a commit"),
        pytest.param(f"trees/{OLD}.2", OLD, id="one that was made again"),
        pytest.param(f"trees/{OLD}.new", "", id="anything else"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_the_link_says_what_is_in_force(tmp_path: Path, target: str | None, expected: str) -> None:
    (tmp_path / CURRENT).parent.mkdir()
    if target:
        (tmp_path / CURRENT).symlink_to(target)
    commit, since = commit_in_force(tmp_path)
    assert (commit, since is not None) == (expected, expected != "")
