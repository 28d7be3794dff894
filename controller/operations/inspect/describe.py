"""Gathers everything about one job, for `why` and `describe`: from its own rows, or after a turn on a copy of all."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.ledger.reads.reader import Reader
from controller.lifecycle.next_step import next_step
from controller.lifecycle.phase import phase
from controller.lifecycle.status import OPERATOR, document, outputs, timestamp
from controller.model.errors import UsageError, no_such_jobs
from controller.model.job import Wanted
from controller.model.job_set import set_reference
from controller.model.step import Wait
from controller.model.submission import Submission
from controller.operations.inspect.job_states import events
from controller.operations.inspect.named import set_reported
from controller.operations.inspect.single.alone import case_alone
from controller.operations.inspect.single.reported import case_reported
from controller.operations.inspect.why import Case, explain
from controller.settings.settings import Settings

if TYPE_CHECKING:  # one job is described without the loop
    from controller.reconcile.wiring import Assembly

LAST_EVENTS = 10


def explanation(settings: Settings, name: str, now: datetime) -> str:
    """Why the job, or the set, of this name is where it is. Raises `UsageError` when there is none."""
    if found := _alone(settings, name, now):
        return explain(found[0], now)
    if reported := set_reported(settings, name, now):
        from controller.operations.inspect.describe_set import explain_set

        return explain_set(reported)
    return _explained_by_a_turn(settings, name, now)


def description(settings: Settings, name: str, now: datetime) -> dict[str, Any]:
    """Everything about one job as JSON: its status, its submissions with their evidence, its events, its request.

    Of a set: its status, its windows, its events, and what to do about cells that did not succeed.
    Raises `UsageError` when there is none.
    """
    if found := _alone(settings, name, now):
        return _description(settings, *found)
    return _described_by_a_turn(settings, name, now)


def _alone(settings: Settings, name: str, now: datetime) -> tuple[Case, Mapping[str, Any]] | None:
    """The job by its own rows, or as it was reported, with its request; None when these do not say enough."""
    store = Reader.of(settings.state)
    if store is None:
        return None
    with store:
        case = case_alone(store, settings, name, now) or case_reported(store, settings, name, now)
        return (case, store.wanted_request(name)) if case else None


def _explained_by_a_turn(settings: Settings, name: str, now: datetime) -> str:
    from controller.operations.inspect.describe_set import explain_set, set_meant
    from controller.reconcile.wiring import turned_copy

    with turned_copy(settings, now) as assembly:
        if found := set_meant(assembly, name, now):
            return explain_set(found)
        return explain(_turned_case(assembly, name, now), now)


def _described_by_a_turn(settings: Settings, name: str, now: datetime) -> dict[str, Any]:
    from controller.operations.inspect.describe_set import set_facts, set_meant
    from controller.reconcile.wiring import turned_copy

    with turned_copy(settings, now) as assembly:
        if found := set_meant(assembly, name, now):
            facts = set_facts(assembly, found, now)
            happened = events(settings, [set_reference(facts["name"])], LAST_EVENTS)
            return {**facts, "events": list(map(_event, happened))}
        case = _turned_case(assembly, name, now)
        request = assembly.ledger.wanted_request(name)
    return _description(settings, case, request)


def _description(settings: Settings, case: Case, request: Mapping[str, Any]) -> dict[str, Any]:
    job = case.job
    status = document(job, case.submissions, case.job_state, settings.deployment.name)
    return {
        **{key: value for key, value in status.items() if key != "history"},
        "kind": "AsyncProcessDescription",
        "path": job.path,
        "labels": dict(job.wanted.labels) if job.wanted else {},
        "policy": policy_of(job.wanted),
        "submissions": [submission_facts(item) for item in reversed(case.submissions)],
        "events": list(map(_event, events(settings, [job.name], LAST_EVENTS))),
        "request": request,
    }


def _turned_case(assembly: "Assembly", name: str, now: datetime) -> Case:
    from controller.operations.inspect.cells import set_documents

    ledger, limits = assembly.ledger, assembly.loop.limits()
    job = ledger.jobs.get(name)
    if job is None:
        sets = set(map(set_reference, set_documents(assembly, now)))
        known = {str(each.get("name", "")) for each in assembly.documents(now)} | sets
        if name in known:
            raise UsageError(f"{name} was never accepted; `shjobs check` shows why; `shjobs get` lists all jobs")
        raise no_such_jobs([name], known | ledger.jobs.keys())
    submissions = ledger.of(name)
    step = next_step(job, submissions, limits, now)
    return Case(
        job=job,
        submissions=submissions,
        job_state=phase(job, submissions, limits, now),
        limits=limits,
        running=sorted({item.job for item in ledger.everything() if item.is_running}),
        waiting=assembly.loop.health().waiting,
        until=step.until if isinstance(step, Wait) else None,
    )


def policy_of(wanted: Wanted | None) -> dict[str, Any]:
    """What the manifest says besides the request."""
    if wanted is None:
        return {}
    fields = {
        "rerun": wanted.rerun,
        "retries": wanted.retries,
        "hold": wanted.hold,
        "priority": wanted.priority,
        "deadlineSeconds": wanted.deadline,
        "maxProcessingUnits": wanted.max_processing_units,
        "credentialsRef": wanted.credentials_ref,
        "evalscriptFile": wanted.script or None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def submission_facts(item: Submission) -> dict[str, Any]:
    """A submission with its evidence as JSON; what is not known is left out."""
    fields = {
        "submission": item.id,
        "generation": item.generation,
        "revision": item.revision,
        "requestId": item.request_id,
        "answer": item.answer,
        "outcome": item.outcome,
        "reason": item.reason,
        "message": item.message,
        "prefix": item.prefix,
        "submittedAt": timestamp(item.intended_at),
        "answeredAt": timestamp(item.answered_at),
        "goneAt": timestamp(item.gone_at),
        "finishedAt": timestamp(item.finished_at),
        "nextLookAt": timestamp(item.look_at),
        "reserved": item.reserved,
        "spent": item.spent,
        "adopted": item.adopted or None,
        "approvedBy": item.approved_by,
        "saidBy": OPERATOR if item.said_by_operator else None,
        "outputs": outputs(item),
        "evidence": _evidence(item),
    }
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def _evidence(item: Submission) -> dict[str, Any]:
    """What the bucket showed when it was last listed."""
    seen = item.evidence
    if seen is None:
        return {}
    objects = [{**asdict(each), "modified": timestamp(each.modified)} for each in seen.objects]
    fields = {
        "seenAt": timestamp(seen.at),
        "unchangedSince": timestamp(seen.since),
        "readable": seen.readable,
        "error": seen.error,
        "message": seen.message,
        "objects": objects,
    }
    return {key: value for key, value in fields.items() if value not in (None, "", [])}


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("at", "reason", "message", "submission") if row[key]}
