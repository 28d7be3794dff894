"""One job: its state and why, what an operator may run, what it delivered, what it costs, what it asks for, and its
past. Everything is bounded: the whole is in `request` of the JSON, and in `shjobs describe NAME -o yaml`.
"""

import os
from collections.abc import Mapping
from typing import Any

from controller.ledger.places.on_map import footprint_of
from controller.ledger.reads.reader import Reader
from controller.ledger.reads.single import sent_length
from controller.model.errors import StateError
from controller.notify.commands import commands_for_job
from controller.page.context import ViewContext
from controller.page.job.cut import cut_text, fitting, texts_in, weight
from controller.page.job.facts import cost_of, facts_of, shown_labels
from controller.page.job.found import FoundJob, found_job
from controller.page.job.request import SCRIPT, request_yaml, summary_of_request
from controller.page.job.script import placed_warnings, shown_script
from controller.page.job.submissions import LONGEST_REQUEST, changes_between, shown_submissions
from controller.page.pictures.album import pictures_of
from controller.page.recorded import manifest_path
from controller.page.svg.projection import corners
from controller.settings.settings import Settings
from controller.tree.files import read_file

MOST_EVENTS = 20
MOST_PROBLEMS = 20
LONGEST_MESSAGE = 2_400  # bytes of HTML
LONGEST_CAPTION = 400  # bytes of HTML
# How many bytes of HTML each part may take: 60 KiB together, with what is around them.
SCRIPT_MOST, YAML_MOST, SUBMISSIONS_MOST, EVENTS_MOST, PROBLEMS_MOST = 14_500, 5_000, 12_500, 5_000, 4_000
LABELS_MOST, OUTPUTS_MOST, CHANGES_MOST = 2_500, 2_500, 3_000


def job(context: ViewContext) -> dict[str, Any]:
    """What the page shows. Raises `NotFound`."""
    found, settings = found_job(context), context.settings
    assert context.store is not None, "a job was found in it"
    status, wanted = found.status, found.job.wanted if found.job else None
    message, reason = str(status["message"]), str(status["reason"])
    shared = str(status.get("sharedWith", ""))
    submissions = shown_submissions(context.store, found.submissions, SUBMISSIONS_MOST)
    return {
        "name": found.name,
        "phase": str(status["phase"]),
        "reason": reason,
        "message": cut_text(message, LONGEST_MESSAGE),
        "why": cut_text(found.why, LONGEST_MESSAGE),
        "isAsReported": found.is_as_reported,
        "isAccepted": found.job is not None,
        "notes": list(found.notes),
        "commands": commands_for_job(found.name, manifest_path(settings, found.path), reason, message, shared),
        "problems": _lines(status["manifest"].get("problems", []), PROBLEMS_MOST),
        "pictures": _pictures(found, settings),
        "facts": facts_of(found),
        "labels": fitting(shown_labels(wanted), _weight, LABELS_MOST),
        "cost": cost_of(found, settings),
        "outputs": fitting(status.get("outputs", []), _weight, OUTPUTS_MOST),
        "submissions": submissions,
        "olderSubmissions": len(found.submissions) + found.older - len(submissions),
        "next": _next(context.store, found),
        "asks": summary_of_request(found.request),
        "footprint": corners(footprint_of(context.store, found.name)),
        "events": _events(context.store, found.name),
        "request": found.request,
        "excerpt": _excerpt(found, settings),
    }


def _pictures(found: FoundJob, settings: Settings) -> dict[str, Any]:
    """The pictures of what it delivered. `isEarlier`: of an earlier request than the one it wants now."""
    run, wanted = found.delivered, found.job.wanted if found.job else None
    shown = [each.document() for each in pictures_of(settings.state, run)] if run else []
    bounded = [
        {**each, **{key: cut_text(each[key], LONGEST_CAPTION) for key in ("output", "note", "alt")}} for each in shown
    ]
    is_earlier = bool(run and wanted and run.digest != wanted.digest)
    return {"shown": bounded, "submission": run.id if run and shown else "", "isEarlier": is_earlier}


def _excerpt(found: FoundJob, settings: Settings) -> dict[str, Any]:
    """The request as YAML and the script with its warnings, as far as the page shows them."""
    script, job = str(found.request.get(SCRIPT, "")), found.job
    placed, others = placed_warnings(job, script, _manifest(found, settings)) if job else ({}, [])
    shown = shown_script(script, placed, SCRIPT_MOST)
    warnings = _lines([*map(str, others), *shown.pop("late")], PROBLEMS_MOST)
    return {"request": request_yaml(found.request, YAML_MOST), "script": shown, "warnings": warnings}


def _manifest(found: FoundJob, settings: Settings) -> str:
    """The text of the job's file, when a warning has its place there; "" when it cannot be read."""
    job = found.job
    if job is None or job.wanted is None or job.wanted.script or not job.wanted.warnings:
        return ""
    text, _, _ = read_file(os.path.realpath(settings.jobs), job.path, "manifest")
    return text


def _next(store: Reader, found: FoundJob) -> dict[str, Any]:
    """How what the job wants now differs from what was last sent; nothing when it does not."""
    wanted, last = found.job.wanted if found.job else None, next(iter(found.submissions), None)
    if wanted is None or last is None or wanted.digest == last.digest or not found.request:
        return {}
    if sent_length(store, last.number) > LONGEST_REQUEST or len(str(found.request)) > LONGEST_REQUEST:
        return {}
    try:
        return changes_between(store.sent_request(last.number), found.request, CHANGES_MOST)
    except StateError:
        return {}


def _events(store: Reader, name: str) -> list[dict[str, Any]]:
    """The latest events, newest first; none where one cannot be read."""
    try:
        found = store.events([name], MOST_EVENTS)
    except StateError:
        return []
    events = [
        {**{key: each[key] for key in ("at", "reason", "submission") if each[key]}, "message": _said(each)}
        for each in reversed(found)
    ]
    return fitting(events, _weight, EVENTS_MOST)


def _said(event: Mapping[str, Any]) -> str:
    return cut_text(str(event["message"]), 400)


def _lines(lines: list[str], most: int) -> dict[str, Any]:
    """The first of many lines, and how many were left out."""
    short = [cut_text(str(line), 1_000) for line in lines[:MOST_PROBLEMS]]
    shown = fitting(short, lambda line: weight(line) + 12, most)
    return {"lines": shown, "more": len(lines) - len(shown)}


def _weight(item: Mapping[str, Any]) -> int:
    return 120 + sum(weight(text) for text in texts_in(item))
