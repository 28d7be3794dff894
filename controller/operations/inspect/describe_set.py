"""Everything about a set, for `describe` and `why`: status, windows, and what to do about what did not succeed."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from controller.lifecycle.attempts import in_force
from controller.model.job_set import set_reference
from controller.model.reasons import Phase, Reason
from controller.operations.inspect.cells import set_documents, set_of
from controller.reconcile.sets.set_documents import cells_with_states
from controller.reconcile.wiring import Assembly

Document = Mapping[str, Any]
_ACCEPT = re.compile(r"`(shjobs accept [0-9a-f]{12})`")


def set_meant(assembly: Assembly, name: str, now: datetime) -> Document | None:
    """The status document of the set that this name means, with its path; None when it means a job, or nothing."""
    if name in assembly.ledger.jobs:
        return None
    found = set_documents(assembly, now)
    return found.get(set_of(name, assembly.ledger.jobs, found))


def set_facts(assembly: Assembly, document: Document, now: datetime) -> dict[str, Any]:
    """What a description adds to the status of a set: labels, windows, and the command for each reason."""
    name = str(document["name"])
    job_set = assembly.tree.sets.get(name)
    return {
        **document,
        "kind": "AsyncProcessSetDescription",
        "labels": dict(job_set.labels) if job_set else {},
        "windows": list(_windows(assembly, name, now)),
        "commands": commands_for(document),
    }


def commands_for(document: Document) -> dict[str, str]:
    """What an operator may run about each reason why cells did not succeed."""
    reference = set_reference(str(document["name"]))
    found: dict[str, str] = {}
    for reason in document.get("reasons", {}):
        match Reason(reason).phase:
            case Phase.FAILED:
                found[reason] = f"shjobs retry {reference}"
            case Phase.UNKNOWN:
                found[reason] = f"shjobs retry {reference} --unknown"
            case Phase.UNCONFIRMED if reason == Reason.NEEDS_PERSON:
                [cell, *_] = document["notSucceeded"][Phase.UNCONFIRMED]
                found[reason] = f"shjobs describe {cell}"
            case Phase.HELD:
                if said := _ACCEPT.search(document.get("messages", {}).get(reason, "")):
                    found[reason] = said[1]
    return found


def explain_set(document: Document) -> str:
    """How far a set is, and for each reason why cells are not there, in one paragraph."""
    cells, name = document["cells"], document["name"]
    due, succeeded = cells["due"], cells.get(Phase.SUCCEEDED, 0)
    problems = document["manifest"].get("problems", ())
    sentences = [f"{name}: {_progress(due, succeeded)}"]
    sentences += [f"its manifest cannot be accepted as it is now ({problems[0]})"] if problems else []
    sentences += _groups(document)
    text = "; ".join(sentences) + "."
    if after := document.get("next"):
        text += f" The next cells become due at {after['at']}."
    return text


def _progress(due: int, succeeded: int) -> str:
    if not due:
        return "no cell is due yet"
    if due == succeeded:
        return "its only cell is Succeeded" if due == 1 else f"all {due:,} cells that are due are Succeeded"
    return f"{succeeded:,} of {due:,} cells that are due {'is' if succeeded == 1 else 'are'} Succeeded"


def _groups(document: Document) -> Iterator[str]:
    messages, commands = document.get("messages", {}), commands_for(document)
    for reason, count in document.get("reasons", {}).items():
        words = f" ({reason}: {messages[reason]})" if reason in messages else f" ({reason})"
        does = f", `{commands[reason]}`" if reason in commands else ""
        yield f"{count:,} {'is' if count == 1 else 'are'} {Reason(reason).phase}{words}{does}"


def _windows(assembly: Assembly, name: str, now: datetime) -> Iterator[dict[str, Any]]:
    """Each window with its cells, those that succeeded, and its processing units; nothing for a set without any."""
    succeeded, spent = Counter[str](), defaultdict[str, float](float)
    for job, submissions, job_state in cells_with_states(
        name, assembly.tree, assembly.ledger, assembly.loop.limits(), now
    ):
        assert job.wanted is not None, "a cell is wanted"
        window = job.wanted.cell.window if job.wanted.cell else ""
        current = in_force(job.wanted, submissions)
        succeeded[window] += job_state.phase is Phase.SUCCEEDED
        spent[window] += (current.spent or 0.0) if current else 0.0
    job_set = assembly.tree.sets.get(name)
    for key, cost in job_set.windows.items() if job_set else ():
        if key:
            amounts = {"estimated": cost.expected, "upper": cost.upper, "spent": spent[key]}
            units = {word: round(amount, 4) for word, amount in amounts.items() if amount is not None}
            yield {"window": key, "cells": cost.jobs, "succeeded": succeeded[key], "processingUnits": units}
