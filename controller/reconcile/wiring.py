"""Wires the parts of the controller together from the settings: for `sync`, and on a copy for `plan`, `get`, `check`.

Called by the doors; nothing below depends on how the parts are joined.
"""

import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from controller.analysis.appraisal import Appraiser, still_examined
from controller.analysis.terms import terms_of, threshold_of
from controller.evalscript.examination import Beside, NotYet, Patient
from controller.evalscript.slow_scripts import SlowScripts
from controller.ledger.identity import Identity
from controller.ledger.ledger import Ledger
from controller.ledger.location import FILE_NAME, refuse_network_file_system
from controller.ledger.lock import FILE_NAME as LOCK_NAME
from controller.ledger.lock import is_held, submitter_lock
from controller.ledger.pause import stops_of
from controller.ledger.store import Store
from controller.lifecycle.claim import Instance
from controller.lifecycle.status import rejected_status
from controller.limits.gate import Limits
from controller.manifest.validate import ValidManifest
from controller.model.clock import Clock, ServiceClock
from controller.model.errors import Problem, UsageError
from controller.model.files import STATUS
from controller.model.job import Appraisal
from controller.model.timing import Timing
from controller.reconcile.calls.unrecorded import Unrecorded
from controller.reconcile.calls.work_queue import WorkQueue
from controller.reconcile.calls.workers import Call, CallOutcome, Observe, Workers
from controller.reconcile.loop import Loop
from controller.reconcile.rejections import Rejections, Report
from controller.reconcile.renewal import renew
from controller.reconcile.reporter import Reporter
from controller.reconcile.reports.announcer import Announcer, Conditions
from controller.reconcile.reports.changes import Watch
from controller.reconcile.reports.documents import status_documents
from controller.reconcile.reports.touched import Touched
from controller.reconcile.scanner import Interruptible, Scanned, Scanner
from controller.reconcile.sets.set_documents import cell_documents
from controller.reconcile.submit import Submitter, draw_name
from controller.reconcile.timekeeper import Timekeeper
from controller.settings.deployments import Credential
from controller.settings.settings import Settings
from controller.settings.sinks import has_hosts
from controller.tree.git.committed import Committed
from controller.tree.git.info import checkout, head, index_lock
from controller.tree.status_cache import StatusCache, StatusPlace
from controller.tree.status_files import StatusFiles
from controller.tree.tree import Tree

if TYPE_CHECKING:  # what only shows makes no call, and starts faster without the clients
    from controller.bucket.client import Bucket
    from controller.service.client import Service

Inbox = queue.SimpleQueue[CallOutcome | None]
"""Outcomes, and None to wake the deciding thread; a signal handler may put into it at any moment."""

Today = Callable[[], date]

Pulse = Callable[[], None]
"""Called for each manifest that is appraised, and while the tree is walked; what it raises ends the turn before
anything is decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The parts a door works with: the loop that decides, its ledger and its tree."""

    loop: Loop
    ledger: Ledger
    tree: Tree
    deployment: str
    time: ServiceClock | None = None
    """The service's view of the clock; None: it is not queried."""

    def is_clock_to_be_set(self) -> bool:
        """Whether the machine's own time is right again, and only the loop's clock is wrong."""
        return self.time is not None and self.time.is_to_be_set

    def documents(self, now: datetime) -> list[dict[str, object]]:
        """The status documents of every file, ordered by path."""
        return [document for _, document in self.documents_by_path(now)]

    def documents_by_path(self, now: datetime) -> list[tuple[str, dict[str, object]]]:
        """The same with their paths; what cannot be read has one too, as has a tree that is gone after it had jobs."""
        unread = self.loop.rejections.documents()
        if (reason := self.loop.health().tree) and self.ledger.jobs:
            unread["."] = [rejected_status(None, [Problem(path=".", message=reason, code="E193")])]
        given = (self.tree, self.ledger, self.loop.limits(), now, self.deployment)
        found = {path: status_documents(path, *given) for path in self.tree.paths()}
        return [(path, document) for path, documents in sorted({**unread, **found}.items()) for document in documents]

    def cell_documents(self, set_name: str, now: datetime) -> list[dict[str, object]]:
        """The status documents of the cells of a set, each as that of a job, in the order of its axes."""
        return cell_documents(set_name, self.tree, self.ledger, self.loop.limits(), now, self.deployment)


class Nowhere:
    """A status place that writes no files."""

    def path(self, manifest: str) -> None:
        """There is none."""

    def write(self, manifest: str, documents: Sequence[Mapping[str, Any]], *, ours: bool = False) -> bool:  # noqa: ARG002
        return False

    def remove(self, manifest: str, *, ours: bool = False) -> None:
        """There is none."""

    def clear(self, status: str) -> None:
        """There is none."""


@contextmanager
def controller(
    settings: Settings, watch: Watch, inbox: Inbox, *, settle: float = 0.0, scanned: Scanned | None = None,
    called: Observe | None = None, pulse: Pulse = lambda: None, interruptible: Interruptible = nullcontext,
    answered: Callable[[], None] | None = None, identity: Identity | None = None, unrecorded: Unrecorded | None = None,
    clock: Clock | None = None, rejected: Report = lambda _rejected: None, is_asked: bool = False,
    selector: tuple[str, ...] = (), conditions: Conditions = tuple,
) -> Iterator[tuple[Assembly, Workers]]:  # fmt: skip
    """The real controller: it holds the lock, writes the ledger and the status files, and calls the service.

    The outcomes of calls arrive in `inbox`; nothing is submitted until the tree has been quiet for `settle` seconds.
    `scanned` and `called` are called after every scan and every call, `rejected` for what a scan finds without effect;
    `clock` is the one the loop runs on. With `answered` scripts are examined beside the deciding thread, and it is
    called for every result. `identity` identifies the state's files since this process first opened them, `unrecorded`
    receives what comes too late for `inbox`. With `is_asked`, an operator asks for it now: what backs off because of
    credentials is tried at once. Only jobs that `selector` selects are submitted. `conditions` are what receivers hear
    of that is wrong outside of the loop.
    Raises `UsageError` when something it needs is missing.
    """
    if not settings.client_id or not settings.client_secret:
        raise _no_client(settings)
    bindings = {"deployment": settings.deployment.name, "account": settings.client_id}
    refuse_network_file_system(settings.state)
    identity, unrecorded = identity or Identity(), unrecorded or Unrecorded()
    identity.check()
    status_place = StatusFiles(settings.jobs, settings.status_dir)
    time = ServiceClock(clock or Clock())
    with (
        submitter_lock(settings.state),
        Store.open(settings.state, bindings) as store,
        _callers(settings, inbox, time, called, identity, unrecorded) as (service, workers),
    ):
        status_place.check_writable()  # under the lock, so that two starting together never collide in the tree
        identity.hold((settings.state / LOCK_NAME, settings.state / FILE_NAME))
        commit = partial(head, settings.jobs) if settings.source == "committed" else str
        stops = stops_of(partial(index_lock, settings.jobs), settings.state, identity.lost, commit)
        look = partial(Scanner, stops=stops, settle=settle, scanned=scanned, interruptible=interruptible)
        slow = SlowScripts(settings.state, Clock().now, keeps=True)
        keep = partial(Timekeeper, ahead=lambda: time.ahead, ask=_asking(service, inbox))
        with Beside(slow, answered) if answered else nullcontext(Patient(slow)) as scripts:
            announce = partial(Announcer, sinks=settings.sinks, conditions=conditions)
            parts = _assembled(
                settings, store, watch, status_place, workers.enqueue, without_keys(settings.credentials), look,
                scripts, pulse, claims=True, keep=keep, rejections=Rejections(rejected), selector=selector,
                announce=announce, today=(clock or Clock()).today,
            )  # fmt: skip
            renew(parts.ledger, settings, parts.ledger.instance(draw_name), (clock or Clock()).now(), is_asked=is_asked)
            yield replace(parts, time=time), workers


@contextmanager
def _callers(
    settings: Settings, inbox: Inbox, time: ServiceClock, called: Observe | None, identity: Identity,
    unrecorded: Unrecorded,
) -> Iterator[tuple["Service", Workers]]:  # fmt: skip
    """The service, and the threads that call it and the buckets; what only shows jobs does not load them."""
    from controller.reconcile.calls.remote import Remote
    from controller.service.client import Service
    from controller.service.oauth import Session

    assert settings.client_id and settings.client_secret, "checked before the lock is taken"
    session = Session(
        settings.deployment, settings.client_id, settings.client_secret, settings.timing, receive=time.receive
    )  # fmt: skip
    with (
        session,
        Service(settings.deployment, session, settings.timing, time) as service,
        Workers(
            Remote(service, bucket_client(settings), settings.credentials, identity.lost),
            inbox, settings.workers, called, unrecorded.add,
        ) as workers,
    ):  # fmt: skip
        yield service, workers


@contextmanager
def copied_controller(
    settings: Settings, watch: Watch, enqueue: Callable[[Call], None], *,
    without_keys: frozenset[str] = frozenset(), selector: tuple[str, ...] = (), today: Today | None = None,
) -> Iterator[Assembly]:  # fmt: skip
    """The same loop on a copy of the ledger: it writes nothing, and its calls go to `enqueue`.

    Manifests are accepted as on the day `today`, in UTC; None: as on this one.
    """
    with Store.copy_of(settings.state) as store:
        look = partial(Scanner, stops=stops_of(partial(index_lock, settings.jobs), settings.state), settle=0.0)
        scripts = Patient(SlowScripts(settings.state, Clock().now))
        yield _assembled(
            settings, store, watch, Nowhere(), enqueue, without_keys, look, scripts, selector=selector, today=today
        )


@contextmanager
def turned_copy(settings: Settings, now: datetime, today: Today | None = None) -> Iterator[Assembly]:
    """The loop on a copy of the ledger after one turn: what the jobs are now, for commands that only show.

    `today` as in `copied_controller`.
    """
    keyless = keyless_here(settings)
    with copied_controller(
        settings, lambda _change: None, lambda _call: None, without_keys=keyless, today=today
    ) as assembly:
        assembly.loop.start(now, takes_over=not is_held(settings.state))
        assembly.loop.turn([], now)
        yield assembly


def bucket_client(settings: Settings) -> "Bucket":
    """The reader of buckets, as the settings' credentials allow."""
    from controller.bucket.client import Bucket

    return Bucket(settings.deployment, settings.credentials, timing=settings.timing)


def _assembled(
    settings: Settings,
    store: Store,
    watch: Watch,
    status_place: StatusPlace,
    enqueue: Callable[[Call], None],
    without_keys: frozenset[str],
    look: Callable[[Tree, Timing], Scanner],
    scripts: Patient | Beside,
    pulse: Pulse = lambda: None,
    *,
    claims: bool = False,
    keep: Callable[[Ledger, Timing], Timekeeper] = Timekeeper,
    rejections: Rejections | None = None,
    selector: tuple[str, ...] = (),
    today: Today | None = None,
    announce: Callable[[Ledger, str], Announcer] | None = None,
) -> Assembly:
    ledger = Ledger(store)
    with store.transaction():
        store.renew(terms_of(settings), threshold_of(settings), kept=STATUS)
    name = settings.deployment.name
    instance = (
        Instance(deployment=name, account=settings.client_id or "", name=ledger.instance(draw_name)) if claims else None
    )
    status_cache = StatusCache(status_place)
    tree = _tree(settings, scripts, status_cache, pulse, today or Clock().today)
    free = Limits(
        policy=settings, timing=settings.timing, slots=settings.max_running, without_keys=without_keys,
        selector=selector,
    )  # fmt: skip
    announcer = announce(ledger, ledger.instance(draw_name)) if announce else None
    touched = Touched(store.commits, ledger.jobs.values()) if claims and has_hosts(settings.sinks) else None
    reporter = Reporter(status_cache, settings.deployment.name, watch, announcer, touched)
    submitter, keeper = Submitter(ledger, instance), keep(ledger, settings.timing)
    committed = Committed(partial(checkout, settings.jobs)) if settings.source == "committed" else None
    loop = Loop(
        ledger, tree, free, enqueue, reporter, look(tree, settings.timing), submitter, keeper, rejections, committed
    )  # fmt: skip
    return Assembly(loop=loop, ledger=ledger, tree=tree, deployment=settings.deployment.name)


def _tree(
    settings: Settings, scripts: Patient | Beside, status_cache: StatusCache, pulse: Pulse, today: Today
) -> Tree:  # fmt: skip
    """The tree with its appraisal; a script that is still examined makes its manifest wait."""
    appraiser = Appraiser(settings.deployment, settings.credentials, scripts, today)

    def appraise(item: ValidManifest) -> Appraisal:
        pulse()
        try:
            return appraiser(item)
        except NotYet as question:
            return Appraisal(wanted=None, problems=(still_examined(item),), awaits=question.key)

    return Tree(
        settings.jobs, appraise, checkout=partial(checkout, settings.jobs), head=partial(head, settings.jobs),
        statuses=status_cache.records, mirror=settings.status_dir, is_pending=scripts.is_pending, pulse=pulse,
        keep_pending=scripts.keep_pending, pricing=appraiser.pricing,
    )  # fmt: skip


def _asking(service: "Service", inbox: Inbox) -> Callable[[Callable[[], None]], None]:
    """Queries the service for its time in another thread, and wakes the loop with the answer."""

    def ask(answered: Callable[[], None]) -> None:
        try:
            service.server_time()
            service.is_at_odds()
        finally:
            answered()  # whatever happened: the loop asks again, and waits for no answer that never comes
            inbox.put(None)

    return WorkQueue("clock", 1, ask).put


def _no_client(settings: Settings) -> UsageError:
    """What to set, followed by every secret that the settings name but that was not found."""
    advice = (
        "no OAuth client: set SHJOBS_CLIENT_ID and SHJOBS_CLIENT_SECRET, "
        "or clientIdFile and clientSecretFile in shjobs.toml"
    )
    return UsageError("\n".join((advice, *(f"{settings.file}: {each}" for each in settings.absent))))


def without_keys(credentials: Mapping[str, Credential]) -> frozenset[str]:
    """The named credentials whose key pair was not found."""
    return frozenset(name for name, each in credentials.items() if not each.has_keys)


def keyless_here(settings: Settings) -> frozenset[str]:
    """The same as far as it matters here: without an OAuth client another machine submits, which has the keys too."""
    return without_keys(settings.credentials) if settings.client_id and settings.client_secret else frozenset()
