"""The first page: what needs an operator, what runs, what the month costs, where the tree comes from, what is well."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from controller.ledger.location import FILE_NAME, is_there
from controller.ledger.lock import is_held
from controller.ledger.pause import is_paused, who_paused
from controller.ledger.reads.labels import label_names
from controller.ledger.reads.listing import Filter, JobList, Row, list_jobs, reason_counts
from controller.ledger.reads.observed import observed_revision
from controller.ledger.reads.order import Urgency, phase_of, urgency_of
from controller.ledger.reads.reader import Reader
from controller.ledger.reads.rejected import rejected_changes, rejection_sentence
from controller.lifecycle.status import timestamp
from controller.model.job_set import SET_LABEL, set_reference
from controller.model.reasons import Phase, Reason
from controller.notify.commands import commands_for_job
from controller.page.context import ViewContext
from controller.page.pictures.album import pictures_of
from controller.page.recorded import manifest_path, recorded_sets, row_facts
from controller.page.views.spending import month_facts
from controller.settings.settings import Settings
from controller.source.layout import commit_in_force

MOST_NEEDS, MOST_EXAMPLES, MOST_RUNNING, MOST_SETS, MOST_RESULTS = 12, 3, 8, 12, 8
WELL, NOT_WELL, IDLE = "well", "not well", "not running"
_RUNS = {"state": WELL, "message": "it runs"}
_REST = {"state": IDLE, "message": "what is shown was recorded when `run` or `sync` last ran"}
_ASKS = (Urgency.NEEDS_OPERATOR, Urgency.FAILED)
_OF_THE_DAEMON = {
    "source": ("SourceUnverified", "SourceStale"),
    "tree": ("TreeNotReady", "NotScanned", "ScanStale", "WatcherDead", "StatusUnwritten", "ClockDoubtful"),
    "service": ("CredentialsRefused", "BreakerOpen"),
    "buckets": (),
}
"""The words of `/readyz` that say something about each."""
_SIGNS = {
    "service": (Reason.ACCOUNT_REFUSED, Reason.BREAKER_OPEN),
    "buckets": (Reason.HISTORY_UNKNOWN, Reason.BUCKET_UNREADABLE),
}
Listed = Callable[[Filter, int], JobList]
"""Lists jobs of which it is known already how many there are."""
_RUNNING = (Phase.RUNNING, Phase.VERIFYING, Phase.SUBMITTING, Phase.UNCONFIRMED)


def overview(context: ViewContext) -> dict[str, Any]:
    """What the page shows: of a state without a ledger only what can be said of it."""
    store = context.store
    counts = reason_counts(store, Filter()) if store else {}
    found = {"health": list(_health(context, counts)), "tree": _tree(context), "pause": _pause(context)}
    if store is None:
        return {
            **found,
            "phases": {},
            "needs": [],
            "changes": None,
            "running": [],
            "results": [],
            "sets": [],
            "forecast": None,
            "month": None,
            "total": 0,
            "labels": [],
        }
    listed = partial(list_jobs, store, counts=counts)
    phases, sets = listed(Filter(), 1).phases, recorded_sets(store)
    total = sum(counts.values()) - counts.get(Reason.REMOVED, 0)
    return {
        **found,
        "phases": {str(each): phases[each] for each in Phase if phases.get(each)},
        "total": total,
        "needs": _needs(listed, counts, context.settings),
        "changes": _changes(store, context.settings),
        "running": [row_facts(row) for row in listed(Filter(phases=_RUNNING), MOST_RUNNING).rows],
        "results": list(islice(_results(listed, context.settings.state), MOST_RESULTS)),
        "sets": [{key: each[key] for key in ("name", "phase", "message", "cells")} for each in sets[:MOST_SETS]],
        "forecast": context.forecasts.current(total, context.now) if sets and context.forecasts else None,
        "month": month_facts(context),
        "labels": label_names(store),
    }


def _needs(listed: Listed, reasons: Mapping[str, int], settings: Settings) -> list[dict[str, Any]]:
    """What needs an operator, most urgent first: each reason with how many wait for it, and what to run."""
    asking = [word for word in reasons if urgency_of(word) in _ASKS]
    asking.sort(key=lambda word: (urgency_of(word), -reasons[word]))
    return [_need(listed, word, reasons[word], settings) for word in asking[:MOST_NEEDS]]


def _need(listed: Listed, word: str, count: int, settings: Settings) -> dict[str, Any]:
    rows = listed(Filter(reasons=(word,)), MOST_EXAMPLES).rows
    first = rows[0] if rows else None
    return {
        "phase": str(phase_of(word)),
        "reason": word,
        "count": count,
        "message": first.message if first else "",
        "commands": _commands(first, count, settings) if first else [],
        "jobs": [{"name": each.name, "path": each.path} for each in rows],
    }


def _changes(store: Reader, settings: Settings) -> dict[str, Any] | None:
    """What was changed of jobs and sets in force, and has no effect; None: nothing. Their phases do not show it."""
    count, first = rejected_changes(store, MOST_EXAMPLES)
    if not first:
        return None
    paths = {manifest_path(settings, each.path) for each in first}
    return {
        "count": count,
        "message": first[0].message,
        "commands": commands_for_job("", paths.pop() if count == len(paths) == 1 else "", Reason.REJECTED, ""),
        "jobs": [{"name": each.name, "path": each.path} for each in first],
    }


def _commands(row: Row, count: int, settings: Settings) -> list[dict[str, str]]:
    """What to run: about all cells of a set where more than one waits, about all files where more are rejected."""
    if row.reason == Reason.REJECTED and count > 1:
        return [{"command": "shjobs check", "does": "shows every problem of every manifest with its line"}]
    is_repeated = row.phase in (Phase.FAILED, Phase.UNKNOWN) and count > 1 and SET_LABEL in row.labels
    name = set_reference(row.labels[SET_LABEL]) if is_repeated else row.name
    return commands_for_job(name, manifest_path(settings, row.path), row.reason, row.message)


def _results(listed: Listed, state: Path) -> Iterator[dict[str, Any]]:
    """The latest jobs that succeeded and have a picture, each with its first one."""
    for row in listed(Filter(phases=(Phase.SUCCEEDED,)), 3 * MOST_RESULTS).rows:
        found = pictures_of(state, row.submission) if row.submission else []
        for each in [each for each in found if each.address][:1]:
            yield {
                "name": row.name, "at": timestamp(row.changed_at), "address": each.address, "alt": each.alt,
                "width": each.width, "height": each.height,
            }  # fmt: skip


def _pause(context: ViewContext) -> dict[str, Any]:
    state = context.settings.state
    return {"isPaused": is_paused(state), "by": who_paused(state) if is_paused(state) else ""}


def _tree(context: ViewContext) -> dict[str, Any]:
    """Where the manifests come from, and how they were read."""
    facts, store = context.facts, context.store
    return {
        "folder": str(context.settings.jobs),
        "source": _source(context),
        "revision": store.latest_revision() if store else "",
        "observedRevision": _observed(store),
        "scannedAt": timestamp(facts.scanned_at) if facts else None,
        "rejection": facts.rejection if facts else rejection_sentence(store) if store else "",
    }


def _observed(store: Reader | None) -> dict[str, Any] | None:
    """The commit that was taken in last, and since when; None: none was, or the tree is in no repository."""
    found = observed_revision(store) if store else None
    return {"commit": found[0], "since": timestamp(found[1])} if found else None


def _source(context: ViewContext) -> dict[str, Any] | None:
    """The repository that the tree is fetched from, and what is in force; None: something else writes the folder."""
    git, facts = context.settings.git, context.facts.source if context.facts else None
    if git is None:
        return None
    commit, since = (facts.commit, facts.since) if facts else commit_in_force(context.settings.state)
    return {
        "url": git.url,
        "ref": git.ref or "",
        "path": git.path,
        "commit": commit,
        "since": timestamp(since),
        "fetchedAt": timestamp(facts.fetched_at) if facts else None,
        "problem": facts.problem if facts else "",
    }


def _health(context: ViewContext, reasons: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Whether the controller, its tree, the service, the buckets and the ledger are well, each with a sentence."""
    facts, store, state = context.facts, context.store, context.settings.state
    unready = dict(facts.unready) if facts else {}
    is_running = facts is not None or is_held(state)
    yield {"name": "controller", **(_RUNS if is_running else _REST)}
    for name, words in _OF_THE_DAEMON.items():
        if name == "source" and context.settings.git is None:
            continue
        found = next((unready[word] for word in words if word in unready), "")
        yield _condition(name, found or _recorded_problem(name, reasons), "no problem is known")
    yield _condition("ledger", unready.get("LedgerUnusable", "") or _ledger_problem(store, state), "it can be read")


def _condition(name: str, problem: str, otherwise: str) -> dict[str, Any]:
    return {"name": name, "state": NOT_WELL if problem else WELL, "message": problem or otherwise}


def _recorded_problem(name: str, reasons: Mapping[str, int]) -> str:
    """What jobs wait for says that something is not well, also without a daemon."""
    found = {word: reasons[word] for word in _SIGNS.get(name, ()) if reasons.get(word)}
    return "; ".join(f"{count:,} {'job is' if count == 1 else 'jobs are'} {word}" for word, count in found.items())


def _ledger_problem(store: Reader | None, state: Path) -> str:
    if store:
        return ""
    if is_there(state):
        return f"{state / FILE_NAME} is of an earlier version: `shjobs run` or `shjobs sync` renews it"
    return f"there is none in {state} yet: `shjobs run` or `shjobs sync` makes it"
