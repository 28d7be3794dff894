"""`shjobs describe`: everything about one job: state, cost, request, submissions with their evidence, events."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings
from controller.model.clock import Clock

NAMED = {
    "path": "manifest", "phase": "phase", "reason": "reason", "message": "message", "sharedWith": "shared with",
    "generation": "generation", "digest": "digest", "revision": "revision", "deployment": "deployment",
}  # fmt: skip

USUAL = {"rerun": 0, "retries": 0, "hold": False, "priority": 0, "deadlineSeconds": 86400}


@click.command("describe", short_help="Show everything about one job.")
@click.argument("name", type=JOB)
@click.option("-o", "--output", "form", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True)
@click.pass_obj
def command(config: Path | None, name: str, form: str) -> int:
    """Show everything about the job or the set NAME, from files and ledger alone.

    `set/NAME` is the set where a job has its name.
    """
    import yaml

    from controller.cli.output.escape import printable
    from controller.cli.output.set_description import set_lines
    from controller.operations.fetched import require_tree
    from controller.operations.inspect.describe import description

    settings, now = load_settings(config, os.environ), Clock().now()
    require_tree(settings, or_jobs=True)
    found = description(settings, name, now)
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif form == "yaml":
        plain = json.loads(json.dumps(found))  # turns enum members into plain strings
        click.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120), nl=False)
    else:
        lines = set_lines(found) if "cells" in found else _lines(found)
        click.echo("\n".join(printable(line) for line in (*lines, *_happened(found, now))))
    return 0


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    from controller.cli.output.set_description import aligned
    from controller.operations.numbers import count, units

    yield found["name"]
    named = [(word, found[key]) for key, word in NAMED.items() if key in found]
    amounts = found.get("processingUnits", {})
    cost = ", ".join(f"{units(amount)} PU {name}" for name, amount in amounts.items())
    labels = ", ".join(f"{name}={value}" for name, value in found["labels"].items())
    policy = ", ".join(
        f"{name}: {_formatted(each)}" for name, each in found["policy"].items() if each != USUAL.get(name)
    )
    retried = found.get("retried", {})
    retries = f"{count(retried['times'], 'time')}, last by {retried['by']}" if retried else ""
    yield from aligned([*named, ("cost", cost), ("labels", labels), ("policy", policy), ("retried", retries)])
    for problem in found["manifest"].get("problems", ()):
        yield f"  problem: {problem}"
    for submission in found["submissions"]:
        yield from ("", f"submission {submission['submission']}")
        yield from _submission(submission)


def _happened(found: Mapping[str, Any], now: datetime) -> Iterator[str]:
    if found["events"]:
        yield from ("", "events, newest last")
        yield from _events(found["events"], now)


def _events(events: list[Mapping[str, Any]], now: datetime) -> Iterator[str]:
    """When, how long ago, and what; columns as wide as their widest."""
    from controller.operations.numbers import age

    ages = [f"{age((now - datetime.fromisoformat(each['at'])).total_seconds())} ago" for each in events]
    wide, reason = max(map(len, ages)), max(len(each["reason"]) for each in events)
    for each, ago in zip(events, ages, strict=True):
        yield f"  {each['at'][:19]}Z  {ago:>{wide}}  {each['reason']:<{reason}}  {each['message']}"


def _submission(facts: Mapping[str, Any]) -> Iterator[str]:
    from controller.cli.output.set_description import aligned
    from controller.operations.numbers import human_size, units

    amounts = [f"{units(facts[key])} PU {key}" for key in ("reserved", "spent") if key in facts]
    times = [
        (key.removesuffix("At"), facts[key])
        for key in ("submittedAt", "goneAt", "finishedAt", "nextLookAt")
        if key in facts
    ]
    outcome = " ".join(str(facts[key]) for key in ("outcome", "reason") if key in facts) or facts.get("answer", "")
    rows = [
        ("request", facts.get("requestId", "")),
        ("approved by", facts.get("approvedBy", "")),
        ("said by", facts.get("saidBy", "")),
        ("outcome", outcome),
        ("message", facts.get("message", "")),
    ]
    rows += [("prefix", facts["prefix"]), ("revision", facts.get("revision", "")), *times, ("cost", ", ".join(amounts))]
    yield from aligned(rows)
    seen = facts.get("evidence", {})
    if seen:
        readable = "" if seen["readable"] else f", not readable: {seen.get('message', '')}"
        yield f"  evidence of {seen['seenAt']}, unchanged since {seen['unchangedSince']}{readable}"
    if "error" in seen:
        yield f"    error.json: {seen['error']}"
    for each in seen.get("objects", ()):
        yield f"    {human_size(each['bytes']):>9}  {each['modified'] or '':<20}  {each['key']}"


def _formatted(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
