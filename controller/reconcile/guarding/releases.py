"""What the approvals in the tree release: by whom, with an event and a line of the log for each that was used."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.ledger.ledger import Ledger
from controller.limits.guard import Batch
from controller.manifest.approval import Approval
from controller.model.errors import truncate

log = logging.getLogger(__name__)

Sign = Callable[[str], str]
"""The commit and author of a file, in words."""

MAY_BE_USED_UP = "it may be used up, or its change is not here yet, or something else became due with it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What an approval of the tree released: by whom, and the sentence for the event."""

    by: str
    words: str


class Releases:
    """The approvals of the tree, by hash, and those used in this turn that are not stored yet."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._approvals: Mapping[str, Approval] = {}
        self._sign: Sign = lambda path: path
        self._used: dict[str, Release] = {}
        self._said: set[str] = set()

    def __contains__(self, label: str) -> bool:
        """Whether a file of the tree approves this hash."""
        return label in self._approvals

    def __bool__(self) -> bool:
        return bool(self._approvals)

    def approve(self, approvals: Mapping[str, Approval], sign: Sign) -> set[str]:
        """These hashes are approved by files of the tree, as long as they are there; returns the new ones."""
        new = approvals.keys() - self._approvals.keys()
        self._approvals, self._sign = approvals, sign
        return new

    def use(self, label: str, batch: Batch) -> str:
        """This approval releases a batch; returns by whom."""
        meaning = f"{batch.jobs:,} of up to {batch.units:,.2f} PU are released ({batch.cause})"
        release = self._used[label] = self._release_of(label, meaning)
        return release.by

    def is_unstored(self) -> bool:
        """Whether an approval was used that is not stored."""
        return bool(self._used)

    def store_used(self, now: datetime) -> None:
        """Store every approval that was used since the last call."""
        used, self._used = self._used, {}
        for label, release in used.items():
            self._store(label, release, now)

    def store(self, label: str, meaning: str, now: datetime) -> None:
        """Store that an approval was used: it stays so when its file is removed."""
        self._store(label, self._release_of(label, meaning), now)

    def say(self, sentences: Iterable[str]) -> None:
        """Log each of these once."""
        for sentence in dict.fromkeys(sentences):
            if sentence not in self._said:
                log.info("%s", sentence)
                self._said.add(sentence)

    def say_unused(self) -> None:
        """Log once which approved hashes match nothing, after all that is due was ruled on."""
        unused = sorted(self._approvals.keys() - self._ledger.accepted.keys())
        self.say(f"{self._approvals[each].path}: nothing waits for {each}: {MAY_BE_USED_UP}" for each in unused)

    def _release_of(self, label: str, meaning: str) -> Release:
        by, reason = self._sign(self._approvals[label].path), truncate(self._approvals[label].reason, 200)
        return Release(by=by, words=f"{by} accepted {label}: {meaning}" + (f"; reason: {reason}" if reason else ""))

    def _store(self, label: str, release: Release, now: datetime) -> None:
        self._ledger.accept(label, now, release.by)
        self._ledger.add_event(now, "Approved", release.words)
        log.info("%s", release.words)
