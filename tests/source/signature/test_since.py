"""Which commits must be signed: the newest alone, or all since the last that was verified, in all shapes of history."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from controller.source.signature import since
from controller.source.signature.since import MissingCommit, unverified
from controller.source.signature.verifier import Verifier
from tests.support.signers import COMMITTED_AT, Signers, signed, trusting

pytestmark = pytest.mark.slow


@dataclass
class History:
    """Commits by a letter, in the repository of `people`; those that `add` is not told otherwise are signed."""

    people: Signers
    names: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def add(self, letter: str, *parents: str, is_signed: bool = True, at: int | None = None) -> None:
        when = COMMITTED_AT + 60 * len(self.names) if at is None else at
        raw = self.people.payload(*(self.names[each] for each in parents), message=letter, at=when)
        self.names[letter] = self.people.keep(signed(raw, self.people.ssh(raw, "ann")) if is_signed else raw)

    def read(self, name: str) -> bytes:
        letter = self.letter(name)
        self.asked.append(letter)
        if letter == "?" or letter in self.missing:
            raise MissingCommit
        return self.people.read(name)

    def letter(self, name: str) -> str:
        return next((letter for letter, each in self.names.items() if each == name), "?")

    def unverified(self, head: str, last: str | None) -> str:
        """The answer, with letters for names."""
        verifier = Verifier(trusting(signers=self.people.allowed("ann@x")))
        words = unverified(self.names[head], last and self.names[last], self.read, verifier)
        for letter, name in self.names.items():
            words = words.replace(name[:12], letter)
        return words


@pytest.fixture
def history(people: Signers) -> History:
    return History(people)


def straight(history: History) -> None:
    history.add("a", is_signed=False)
    history.add("b", "a")
    history.add("c", "b")
    history.add("d", "c")


def unsigned_in_the_middle(history: History) -> None:
    history.add("a", is_signed=False)
    history.add("b", "a")
    history.add("c", "b", is_signed=False)
    history.add("d", "c")


def merged_side(history: History, *, is_signed: bool = False, fork: str = "b") -> None:
    """`d` merges `s`, which began at `fork`; `b` was verified."""
    history.add("a", is_signed=False)
    history.add("b", "a")
    history.add("s", fork, is_signed=is_signed)
    history.add("c", "b")
    history.add("d", "c", "s")


def merged_signed_side(history: History) -> None:
    merged_side(history, is_signed=True)


def merged_from_before(history: History) -> None:
    merged_side(history, is_signed=True, fork="a")


def merged_unsigned_from_before(history: History) -> None:
    merged_side(history, fork="a")


def rewritten(history: History) -> None:
    history.add("a", is_signed=False)
    history.add("b", "a")
    history.add("d", "a")


def another_root(history: History) -> None:
    history.add("b")
    history.add("c")
    history.add("d", "c")


def octopus(history: History) -> None:
    history.add("a", is_signed=False)
    history.add("b", "a")
    history.add("x", "b")
    history.add("y", "b")
    history.add("z", "b", is_signed=False)
    history.add("d", "x", "y", "z")


def wrong_clocks(history: History) -> None:
    """The children are older than their parents, by the clocks of who made them."""
    history.add("a", is_signed=False, at=COMMITTED_AT + 500)
    history.add("b", "a", at=COMMITTED_AT + 400)
    history.add("s", "b", is_signed=False, at=1)
    history.add("c", "b", at=COMMITTED_AT)
    history.add("d", "c", "s", at=2)


def signed_with_wrong_clocks(history: History) -> None:
    history.add("a", at=COMMITTED_AT + 500)
    history.add("b", "a", at=COMMITTED_AT + 400)
    history.add("c", "b", at=1)
    history.add("d", "c", "a", at=2)


REWRITTEN = "the history was rewritten: commit b, the last that was verified, is no ancestor of d"
SINCE: dict[str, tuple[Callable[[History], None], str]] = {
    "every commit since then is signed": (straight, ""),
    "one in the middle is not signed": (unsigned_in_the_middle, "commit c is not signed"),
    "a side that was merged is signed": (merged_signed_side, ""),
    "a side that was merged is not signed": (merged_side, "commit s is not signed"),
    "a signed side began before it": (merged_from_before, ""),
    "an unsigned side began before it": (merged_unsigned_from_before, "commit s is not signed"),
    "one of three sides is not signed": (octopus, "commit z is not signed"),
    "the history was rewritten": (rewritten, REWRITTEN),
    "the history has another beginning": (another_root, REWRITTEN),
    "clocks were wrong, a side is not signed": (wrong_clocks, "commit s is not signed"),
    "clocks were wrong, all is signed": (signed_with_wrong_clocks, ""),
}


@pytest.mark.parametrize(("make", "words"), SINCE.values(), ids=SINCE)
def test_with_since_every_commit_after_the_last_verified_must_be_signed(
    history: History, make: Callable[[History], None], words: str
) -> None:
    make(history)
    answer = history.unverified("d", "b")
    assert (answer.startswith(words), bool(answer)) == (True, bool(words)), answer


@pytest.mark.parametrize("make", [unsigned_in_the_middle, merged_side, rewritten], ids=lambda make: make.__name__)
def test_with_head_only_the_newest_commit_must_be_signed(history: History, make: Callable[[History], None]) -> None:
    make(history)
    assert history.unverified("d", None) == ""
    assert history.asked == ["d"]


def test_the_newest_must_be_signed_under_both(history: History) -> None:
    straight(history)
    history.add("e", "d", is_signed=False)
    assert history.unverified("e", None) == history.unverified("e", "b") == "commit e is not signed"


def test_a_branch_set_back_is_a_rewritten_history(history: History) -> None:
    straight(history)
    assert 'set git.verify = "head" until b is in force' in history.unverified("b", "d")


def test_the_same_commit_again_asks_for_nothing_new(history: History) -> None:
    straight(history)
    assert history.unverified("d", "d") == ""


def test_no_commit_before_the_last_verified_is_asked_for(history: History) -> None:
    """A shallow repository does not have them."""
    straight(history)
    history.missing = {"a"}
    assert history.unverified("d", "b") == ""
    assert "a" not in history.asked


@pytest.mark.parametrize(
    ("head", "last", "missing", "words"),
    [
        pytest.param("d", "b", "c", "commit c is not in the repository", id="one between"),
        pytest.param("d", "b", "d", "commit d is not in the repository", id="the newest"),
        pytest.param("d", None, "d", "commit d is not in the repository", id="the newest, alone"),
        pytest.param("d", "b", "b", "", id="the last verified: its name is enough"),
    ],
)
def test_a_commit_that_is_missing(history: History, head: str, last: str | None, missing: str, words: str) -> None:
    straight(history)
    history.missing = {missing}
    answer = history.unverified(head, last)
    assert (answer.startswith(words), bool(answer)) == (True, bool(words)), answer


def test_a_tag_or_another_commit_is_not_taken_for_the_one_that_was_asked_for(history: History) -> None:
    """As `git cat-file commit` does for the name of a tag."""
    straight(history)
    verifier = Verifier(trusting(signers=history.people.allowed("ann@x")))
    read = history.people.read
    words = unverified("0" * 40, None, lambda _: read(history.names["d"]), verifier)
    assert words == f"commit 000000000000 cannot be verified: what was read is {history.names['d'][:12]}"


def test_the_number_of_commits_is_bounded(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    straight(history)
    monkeypatch.setattr(since, "MOST_COMMITS", 3)
    assert history.unverified("d", "b") == ""
    assert history.unverified("d", "a").startswith("more than 3 commits would have to be verified")
