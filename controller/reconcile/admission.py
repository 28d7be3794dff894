"""Keeps the spend guard's rulings: which submissions are admitted, and which batches wait for an operator.

The loop calls it before it decides. Rulings are in the ledger, so a restart changes nothing; what is newly due and not
yet ruled on is only in memory, and is found again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from controller.ledger.ledger import Ledger
from controller.lifecycle.attempts import in_force
from controller.lifecycle.next_step import asked_for, due_submission, is_asked, is_read
from controller.limits.budget import overspent_hash
from controller.limits.gate import Limits
from controller.limits.guard import ADMITTED, Batch, Due, Permit, Ruling, batch_of, key_of, ruling
from controller.limits.holds import hold_reason, stop_reason
from controller.limits.set_limits import SetRuling, batch_of_set
from controller.manifest.approval import Approval
from controller.model.job import Job
from controller.model.step import Submit
from controller.model.submission import Answer
from controller.reconcile.guarding.held import Held, held_before
from controller.reconcile.guarding.newly_due import NewlyDue, due_of
from controller.reconcile.guarding.releases import Releases, Sign
from controller.settings.file import Policy


class Admission:
    """The guard's ruling on each key, and what waits for one. A job wants one submission at a time."""

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self._ledger = ledger
        self._policy = policy
        self._keys: dict[str, str] = {}
        self._permits: dict[str, Permit] = {}
        self._held: dict[str, Held] = {}
        """The jobs that wait for an operator."""
        self._new = NewlyDue()
        self._new_in_sets: defaultdict[str, NewlyDue] = defaultdict(NewlyDue)
        """By set that needs a yes of its own: what is new in it."""
        self.is_partial = False
        """Part of the tree is not decided yet, so the rest of a large change may still be on its way."""
        self._meanwhile: list[Due] = []
        self.releases = Releases(ledger)
        self._wholes: dict[str, str] = {}
        """By the hash of what is held: that of the whole change, part of which was admitted while it was read."""
        self._sets: Mapping[str, SetRuling] = {}
        self._agreed: dict[str, Permit] = {}
        """By set: the yes that was given to it, until it is stored."""
        self._unlisted: set[str] = set()
        self._shaken: set[str] = set()
        self._changed: set[str] = set()
        self._dropped: set[str] = set()
        for key, permit in ledger.permits.due().items():
            name = key.partition("/")[0]
            if permit is None or name not in ledger.jobs:
                self._dropped.add(key)  # it is ruled on again
            else:
                self._grant(name, key, permit)
        self._held = self._held_before()
        self._changed.clear()

    @property
    def permits(self) -> Mapping[str, Permit]:
        """The guard's ruling by key, kept current."""
        return self._permits

    def is_unlisted(self, job: str) -> bool:
        """Whether it is part of a large change whose bucket must be listed before an operator decides."""
        return job in self._unlisted

    def waiting(self) -> list[Batch]:
        """The batches that wait for an operator, the most expensive first."""
        found = {permit.batch.hash: permit.batch for permit in self._permits.values() if permit.batch}
        return sorted(found.values(), key=lambda batch: (-batch.units, batch.hash))

    def accepted(self, label: str) -> None:
        """An operator accepted this hash; the next ruling acts on it."""
        self._shaken |= {label, *(rest for rest, whole in self._wholes.items() if whole == label)}

    def approve(self, approvals: Mapping[str, Approval], sign: Sign) -> None:
        """These hashes are approved by files of the tree, as long as they are there; the next ruling acts on it."""
        for label in self.releases.approve(approvals, sign):
            self.accepted(label)

    def settle_overspent(self, now: datetime) -> bool:
        """Let submissions go on after those that an approval names; returns whether there were any."""
        found = [item for item in self._ledger.overspent() if overspent_hash(item) in self.releases]
        for item in found:
            self.releases.store(overspent_hash(item), f"submissions go on after {item.job} ({item.id})", now)
        return bool(found)

    def approved_by(self, job: str) -> str:
        """Who approved what the job wants; "" when no one had to."""
        permit = self._permits.get(self._keys.get(job, ""))
        return permit.approved_by if permit else ""

    def rule(self, names: Iterable[str], limits: Limits, now: datetime) -> set[str]:
        """Note which of these jobs became due or no longer are, and rule on all that are newly due.

        Returns the jobs whose ruling changed.
        """
        self._sets = limits.sets
        for name in names:
            self._note(self._ledger.jobs[name], limits, now)
        shaken, self._shaken = self._shaken, set()
        for label in sorted(shaken):
            self._gather_again(label)
        if not self._new and not self.is_partial:
            self._meanwhile.clear()
        if (self._new or self._new_in_sets) and not limits.paused and not limits.settling:
            self._rule_on_new(limits)
        changed = self._stored(now)
        is_over = not (self._new or any(self._new_in_sets.values()) or self.is_partial)
        if self.releases and is_over and not limits.settling and not limits.paused:
            self.releases.say_unused()
        return changed

    # noting

    def _note(self, job: Job, limits: Limits, now: datetime) -> None:
        key, permit = self._key(job, limits, now), self._permits.get(self._keys.get(job.name, ""))
        if permit and permit.batch and (key != self._keys[job.name] or self._held[job.name] != self._counted(job, key)):
            self._shaken.add(permit.batch.hash)
        if permit and key == self._keys[job.name] and not self._asks_otherwise(job.name):
            self._grant(job.name, key, replace(permit, is_listed=permit.is_listed or is_read(job, limits)))
            return
        self._withdraw(job.name)
        for new in (self._new, *self._new_in_sets.values()):
            new.drop(job.name)
        self._unlisted.discard(job.name)
        if key and self._is_newly_due(job, limits, now):
            new = self._new_in_sets[set_name] if (set_name := self._asking(job.name)) else self._new
            new.put(job.name, self._due_of(job, key))
            if not is_asked(job):
                self._unlisted.add(job.name)

    def _asks_otherwise(self, name: str) -> bool:
        """Whether a set asks for its yes only now, or no more: it is ruled on as if it had just become due."""
        asking, held = self._asking(name), self._held.get(name)
        if held is None:
            return bool(asking)
        return bool(held.set_name) and self._is_ruled(name) and held.set_name != asking

    def _key(self, job: Job, limits: Limits, now: datetime) -> str | None:
        """The submission a job wants, or has requested and does not have yet; None: none, or the job itself is held."""
        if job.wanted is None or hold_reason(job.name, job.wanted, limits):
            return None
        known = self._ledger.of(job.name)
        asked = asked_for(job, known, limits, now)
        if isinstance(asked, Submit):
            return key_of(job.name, job.wanted.digest, asked.rerun, asked.attempt)
        current = in_force(job.wanted, known)
        is_open = current is not None and current.answer in (None, Answer.UNCONFIRMED)
        return f"{job.name}/{current.id}" if current and is_open else None

    def _due_of(self, job: Job, key: str) -> Due:
        cell = job.wanted.cell if job.wanted else None
        return due_of(job, key, self._sets.get(cell.set_name) if cell else None)

    def _counted(self, job: Job, key: str) -> Held:
        """As a member of its batch, which is another one when this changes."""
        before = self._held.get(job.name, Held())
        set_name = self._asking(job.name) if self._is_ruled(job.name) else before.set_name
        return Held(set_name=set_name, due=replace(self._due_of(job, key), is_listed=True))

    def _is_newly_due(self, job: Job, limits: Limits, now: datetime) -> bool:
        """Jobs held by a condition on all jobs become due together when it ends."""
        if job.wanted is None or limits.settling or stop_reason(job.wanted, limits):
            return False
        if not self._is_ruled(job.name):
            return False  # its set is not read yet, and so it is not known what holds it
        return due_submission(job, self._ledger.of(job.name), limits, now) is not None

    # ruling

    def _rule_on_new(self, limits: Limits) -> None:
        """Each set that needs a yes of its own is ruled on by itself, and the rest together."""
        self._sets = limits.sets
        for set_name in sorted(name for name, new in self._new_in_sets.items() if new):
            self._rule_on_set(set_name, limits)
        if self._new:
            self._rule_on_rest(limits)

    def _rule_on_set(self, set_name: str, limits: Limits) -> None:
        """The cells of a set that need its yes join those that are held for it already, whatever their size.

        First their buckets are listed, as before any approval.
        """
        if not self._new_in_sets[set_name].is_listed:
            return
        for name, due in self._new_in_sets.pop(set_name).take_all().items():
            is_listed = is_read(self._ledger.jobs[name], limits)
            self._grant(name, due.key, Permit(batch=batch_of([due]), is_listed=is_listed))
        self._ask_for(self._held_for_set(set_name))

    def _asking(self, name: str) -> str:
        """The set whose yes the job needs; "" when it needs none."""
        wanted = self._ledger.jobs[name].wanted
        cell = wanted.cell if wanted else None
        found = self._sets.get(cell.set_name) if cell else None
        return found.name if found and cell and found.needs_yes(name, cell) else ""

    def _is_ruled(self, name: str) -> bool:
        """Whether it is known what its set asks for, if it belongs to one."""
        wanted = self._ledger.jobs[name].wanted
        return wanted is None or wanted.cell is None or wanted.cell.set_name in self._sets

    def _held_for_set(self, set_name: str) -> list[str]:
        """Every job that is held for the yes to this set."""
        return [name for name in self._held if self._asking(name) == set_name]

    def _ask_for(self, names: Collection[str]) -> None:
        """Make one batch of these held jobs, of one set or of none; it may have been accepted before."""
        if not names:
            return
        due = [self._due_of(self._ledger.jobs[name], self._keys[name]) for name in names]
        set_name = self._asking(next(iter(names)))
        word = self._unless_accepted(batch_of_set(due, self._sets[set_name]) if set_name else batch_of(due))
        if set_name and word.is_admitted:
            self._agreed[set_name] = word
        for name in names:
            is_listed = self._permits[self._keys[name]].is_listed
            self._grant(name, self._keys[name], replace(word, is_listed=is_listed))

    def _rule_on_rest(self, limits: Limits) -> None:
        """While the tree is partly decided, no more is admitted in total than may pass at once without acceptance.

        The rest waits until all of it is decided, and is then ruled on together with what was admitted meanwhile.
        """
        number = len(self._meanwhile) + len(self._new)
        if number > self._policy.large_change_jobs and not self._new.is_listed:
            return  # as the rule would say after a walk over all of them
        decision = ruling([*self._meanwhile, *self._new.values()], self._policy)
        if decision is Ruling.LIST_FIRST or (decision is Ruling.HOLD and self.is_partial):
            return
        permit = self._ruled_as_a_whole() if decision is Ruling.HOLD else ADMITTED
        admitted = [replace(each, is_listed=True) for each in self._new.values()]
        self._meanwhile = [*self._meanwhile, *admitted] if self.is_partial else []
        for name, each in self._new.take_all().items():
            self._grant(name, each.key, replace(permit, is_listed=is_read(self._ledger.jobs[name], limits)))

    def _gather_again(self, label: str) -> None:
        """What remains of a batch after some have left is a new batch, and may have been accepted before."""
        permits = {name: self._permits[self._keys[name]] for name in self._held}
        members = {
            name: self._asking(name) for name, each in permits.items() if each.batch and each.batch.hash == label
        }
        for set_name in sorted(set(members.values())):
            self._ask_for(
                self._held_for_set(set_name) if set_name else [name for name, each in members.items() if not each]
            )

    def _ruled_as_a_whole(self) -> Permit:
        """The ruling on what is newly due. A plan knows the hash of the whole change, read at once: that counts too."""
        batch = batch_of(self._new.values())
        if self._meanwhile:
            self._wholes[batch.hash] = batch_of([*self._meanwhile, *self._new.values()]).hash
        return self._unless_accepted(batch)

    def _unless_accepted(self, batch: Batch) -> Permit:
        labels = [batch.hash, *filter(None, [self._wholes.get(batch.hash)])]
        label = next((each for each in labels if each in self._ledger.accepted or each in self.releases), None)
        if label is None:
            return Permit(batch=batch)
        if label in self._ledger.accepted:
            return Permit(is_admitted=True, label=label, approved_by=self._ledger.accepted[label])
        return Permit(is_admitted=True, label=label, approved_by=self.releases.use(label, batch))

    # remembering

    def _grant(self, name: str, key: str, permit: Permit) -> None:
        if self._permits.get(key) != permit:
            self._changed.add(name)
        self._keys[name], self._permits[key] = key, permit
        self._hold(name, key, permit)
        if permit.batch and not permit.is_listed:
            self._unlisted.add(name)
        else:
            self._unlisted.discard(name)

    def _hold(self, name: str, key: str, permit: Permit) -> None:
        job = self._ledger.jobs[name]
        if permit.batch:
            self._held[name] = self._counted(job, key) if job.wanted else Held()
        else:
            self._held.pop(name, None)

    def _held_before(self) -> dict[str, Held]:
        labels = {name: batch.hash for name in self._held if (batch := self._permits[self._keys[name]].batch)}
        wanted = {name: self._ledger.jobs[name].wanted for name in labels}
        sets = {name: each.cell.set_name for name, each in wanted.items() if each and each.cell}
        return held_before(labels, self._held, sets)

    def _withdraw(self, name: str) -> None:
        key = self._keys.pop(name, None)
        self._held.pop(name, None)
        if key is not None:
            self._permits.pop(key)
            self._dropped.add(key)

    def _stored(self, now: datetime) -> set[str]:
        """Store what changed; returns the jobs whose ruling changed."""
        changed, self._changed = self._changed & self._keys.keys(), set()
        dropped, self._dropped = self._dropped, set()
        agreed, self._agreed = self._agreed, {}
        if changed or dropped or agreed or self.releases.is_unstored():
            permits = {self._keys[name]: self._permits[self._keys[name]] for name in changed}
            with self._ledger.transaction():
                self.releases.store_used(now)
                for set_name, permit in agreed.items():
                    for label in self._sets[set_name].yes_labels():
                        self._ledger.accept(label, now, permit.approved_by)
                self._ledger.permits.drop_due(dropped)
                for batch in {permit.batch.hash: permit.batch for permit in permits.values() if permit.batch}.values():
                    self._ledger.permits.put_batch(batch, now)
                self._ledger.permits.put_due(permits)
        return changed
