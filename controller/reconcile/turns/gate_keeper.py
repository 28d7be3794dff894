"""The limits as they are now, put together from everything that may hold a submission back.

Kept by the loop, which asks before it decides, reports or waits. Each question costs the same however many jobs there
are: what it is put together from is counted where it changes.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime

from controller.ledger.ledger import Ledger
from controller.limits.gate import MOST_UNANSWERED, Limits, narrow
from controller.limits.throttle import counts_since, grows_at, slots_at
from controller.model.job import bucket_in
from controller.reconcile.admission import Admission
from controller.reconcile.calls.workers import Call, Post, is_history
from controller.reconcile.pace import Pace
from controller.reconcile.scanner import Scanner
from controller.reconcile.sets.rules import SetRules
from controller.reconcile.timekeeper import Timekeeper


class GateKeeper:
    """`free` are the limits without anything that happens. It also counts what is under way for submissions."""

    def __init__(
        self, free: Limits, ledger: Ledger, scanner: Scanner, timekeeper: Timekeeper, admission: Admission,
        set_rules: SetRules, pace: Pace,
    ) -> None:  # fmt: skip
        self._free = free
        self._ledger = ledger
        self._scanner = scanner
        self._timekeeper = timekeeper
        self._admission = admission
        self._set_rules = set_rules
        self._pace = pace
        self._listing = Counter[str]()
        self._posts = 0

    def begin(self, call: Call) -> None:
        """This call is under way."""
        self._count(call, 1)

    def end(self, call: Call) -> None:
        """This call has ended."""
        self._count(call, -1)

    def is_submitting(self) -> bool:
        """Whether a POST, or a listing that precedes one, is under way."""
        return self._posts > 0 or any(self._listing.values())

    def is_full(self) -> bool:
        """Whether as many POSTs are out as may be."""
        return self._posts >= MOST_UNANSWERED

    def _count(self, call: Call, number: int) -> None:
        if isinstance(call, Post):
            self._posts += number
        elif is_history(call):
            self._listing[bucket_in(call.step.prefix)] += number

    def limits(self, now: datetime) -> Limits:
        """What may be submitted now, after everything recorded so far."""
        policy, ledger, timing = self._free.policy, self._ledger, self._free.timing
        overspent = ledger.overspent() if policy.monthly_budget is not None else ()
        crowded = ledger.concurrency_refusals(counts_since(now, timing))
        free = replace(
            self._free,
            slots=slots_at(policy.max_running, crowded, now, timing) - ledger.running,
            grows_at=grows_at(policy.max_running, crowded, now, timing),
            looks=policy.workers,
            listing=Counter(self._listing),
            history_known=ledger.history_known,
            paused=self._scanner.is_paused,
            doubt=self._timekeeper.doubt,
            settling=self._scanner.settling(now),
            spending=ledger.spending(now, policy.monthly_budget),
            overspent=overspent[0] if overspent else None,
            renewed_at=ledger.renewed_at(now),
            permits=self._admission.permits,
            peers=ledger.peers,
            payers={},
            sets=self._set_rules.rulings,
        )
        return narrow(free, ledger.newest(now)).at_rate(self._pace.rate(now), now)
