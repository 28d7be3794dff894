"""What is known of the source of the tree: which commit is in force, when the repository answered, what is wrong.

The fetching thread makes one `SourceFacts` after each fetch; readers in any thread see one consistent moment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.settings.git import GitSource
from controller.source.outcome import Fetched, SourceStale, SourceUnverified, Swapped, Unchanged

MISSED_FETCHES = 10  # in a row
PATIENCE = 600.0  # seconds: a repository host that is being updated is no emergency
NOTHING_FETCHED = "no tree was fetched yet"
_OUTCOMES: Mapping[type[Fetched], str] = {
    Unchanged: "unchanged",
    Swapped: "swapped",
    SourceStale: "stale",
    SourceUnverified: "unverified",
}
OUTCOMES = tuple(_OUTCOMES.values())
"""What a fetch may come to, as metrics count it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """One moment of a source. Times are UTC, `every` is in seconds; `ref` is "" for the default branch.

    `commit` is in force since `since`, "" when no tree is. The repository named it, or one that must not
    be in force, at `answered_at`; `good_at` is the last time it named what is in force. `stale` and `unverified` hold a
    sentence while there is a problem, and `withheld` while what was in force is not, since `verify` or its keys are
    others now. `fetches` counts the fetches of this process by what they came to.
    """

    url: str
    ref: str = ""
    path: str
    every: float
    started_at: datetime
    commit: str = ""
    since: datetime | None = None
    fetched_at: datetime | None = None
    answered_at: datetime | None = None
    good_at: datetime | None = None
    stale: str = ""
    unverified: str = ""
    withheld: str = ""
    fetches: Mapping[str, int] = field(default_factory=dict)

    @property
    def problem(self) -> str:
        """What is wrong, in one sentence; "" when nothing is."""
        return self.withheld or self.unverified or self.stale

    @property
    def ends_at(self) -> datetime:
        """When the last answer of the repository is too old."""
        patience = max(MISSED_FETCHES * self.every, PATIENCE)
        return (self.answered_at or self.started_at) + timedelta(seconds=patience)


def facts_before(git: GitSource, now: datetime, commit: str = "", since: datetime | None = None) -> SourceFacts:
    """What is known before the first fetch: `commit` may be in force since an earlier run."""
    return SourceFacts(
        url=git.url, ref=git.ref or "", path=git.path, every=git.every, started_at=now, commit=commit, since=since
    )


def after(facts: SourceFacts, outcome: Fetched, now: datetime) -> SourceFacts:
    """What is known after a fetch. A commit that must not be in force is not forgotten while nothing answers."""
    word = _OUTCOMES[type(outcome)]
    counted = {**facts.fetches, word: facts.fetches.get(word, 0) + 1}
    facts = replace(facts, fetched_at=now, fetches=counted)
    match outcome:
        case SourceStale(message=message):
            return replace(facts, stale=message)
        case SourceUnverified(message=message):
            return replace(facts, answered_at=now, stale="", unverified=message)
    since = now if outcome.commit != facts.commit else facts.since
    facts = replace(facts, answered_at=now, good_at=now, stale="", unverified="")
    return standing(facts, outcome.commit, since, "")


def standing(facts: SourceFacts, commit: str, since: datetime | None, withheld: str) -> SourceFacts:
    """The same with what is in force: also without a new commit it may be put out of force, or back."""
    return replace(facts, commit=commit, since=since, withheld=withheld)


def source_conditions(facts: SourceFacts, now: datetime) -> Iterator[tuple[str, str]]:
    """Why a controller with this source is not ready: a word and a sentence for each reason.

    A fetch that failed is no reason yet: the tree that is in force was the right one a moment ago.
    """
    if facts.withheld or facts.unverified:
        is_new = facts.unverified not in facts.withheld
        yield "SourceUnverified", "; ".join(filter(None, (facts.withheld, facts.unverified if is_new else "")))
    if not facts.commit and not facts.withheld:
        yield "SourceStale", f"{NOTHING_FETCHED}: {facts.stale}" if facts.stale else NOTHING_FETCHED
    elif now > facts.ends_at:
        at = facts.answered_at
        words = f"the repository last answered at {at:%Y-%m-%dT%H:%M:%SZ}" if at else "the repository has not answered"
        kept = f"{facts.commit[:12]} stays in force" if facts.commit else "no tree is in force"
        yield "SourceStale", f"{words}; {kept}{f': {facts.stale}' if facts.stale else ''}"
