"""`shjobs doctor`: problems around the controller, and how to fix them."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from controller.cli.output.escape import printable
from controller.cli.settings import load_settings, read_text
from controller.model.errors import SettingsError, UsageError
from controller.operations.doctor.findings import CheckResult, Diagnosis, fail

COLOURS = {CheckResult.OK: "green", CheckResult.WARN: "yellow", CheckResult.FAIL: "red"}


@click.command("doctor", short_help="Check clock, account, buckets, files and state, and report what to fix.")
@click.option("-o", "--output", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--write", is_flag=True, help="Also write a small object to each bucket, and remove it again.")
@click.option("--probe", is_flag=True, help="Also pay for one minimal request to learn how this deployment behaves.")
@click.option("--url", metavar="S3URL", help="Where the probe delivers, if not to the prefix of the only credential.")
@click.option("--yes", is_flag=True, help="Do not ask before the probe is paid for.")
@click.pass_obj
def command(config: Path | None, form: str, write: bool, probe: bool, url: str | None, yes: bool) -> int:
    """Check everything the controller depends on, and report for each whether it is healthy and how to fix it.

    Nothing is spent and nothing is written to a bucket without --probe or --write; both remove what they wrote.
    Exit code 1 when something has failed.
    """
    found = _print_diagnoses(_diagnoses(config, write), form)
    report = _probed(config, url, yes, form, found) if probe else None
    if form == "json":
        _print_json(found, report)
    return int(any(diagnosis.health is CheckResult.FAIL for diagnosis in found))


def _diagnoses(config: Path | None, write: bool) -> Iterator[Diagnosis]:
    from controller.operations.doctor.local import local_diagnoses
    from controller.operations.doctor.remote import remote_diagnoses

    try:
        settings = load_settings(config, os.environ)
    except SettingsError as error:
        for reason in error.reasons:
            yield fail("settings", reason, "fix it first: everything else depends on it")
        return
    path, text = read_text(config)
    yield from local_diagnoses(settings, has_file=bool(text) or path.exists())
    yield from remote_diagnoses(settings, write=write)


def _probed(
    config: Path | None, url: str | None, yes: bool, form: str, found: list[Diagnosis]
) -> dict[str, Any] | None:
    """Send the probe if nothing failed and the user agrees; its diagnosis is added to `found`, its report returned."""
    from controller.operations.doctor.probe import UNITS
    from controller.operations.doctor.probing import probe, probe_destination

    if any(diagnosis.health is CheckResult.FAIL for diagnosis in found):
        found += _print_diagnoses([fail("probe", "was not sent", "fix what has failed first")], form)
        return None
    settings = load_settings(config, os.environ)
    place, credential = probe_destination(settings, url)
    question = f"Send one request to {settings.deployment.name} for up to {UNITS:g} PU, delivered below {place}?"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"the probe was not sent: no one can be asked here: {question} --yes agrees")
        if not click.confirm(question, err=True):
            raise UsageError("the probe was not sent; --yes agrees beforehand")
    diagnosis, report = probe(settings, place, credential, lambda line: click.echo(printable(line), err=True))
    found += _print_diagnoses([diagnosis], form)
    for each in report["observations"] if report and form == "text" else ():
        word = {True: "as assumed", False: "NOT as assumed", None: "not shown"}[each["agrees"]]
        click.echo(f"      {each['question']} {each['about']}: {word}: {json.dumps(each['found'])}")
    return report


def _print_diagnoses(diagnoses: Iterable[Diagnosis], form: str) -> list[Diagnosis]:
    """All findings; in text form, each is printed as it is found."""
    from controller.cli.output.terminal import console

    found, screen = [], console()
    for diagnosis in diagnoses:
        found.append(diagnosis)
        if form == "text":
            words = printable(f"{diagnosis.name}: {diagnosis.message}")
            screen.print(
                Text.assemble((f"{diagnosis.health:<4}", COLOURS[diagnosis.health]), "  ", words), soft_wrap=True
            )
            if diagnosis.advice:
                screen.print(Text(f"      do: {printable(diagnosis.advice)}"), soft_wrap=True)
    return found


def _print_json(found: Iterable[Diagnosis], report: dict[str, Any] | None) -> None:
    fields = ("name", "health", "message", "advice")
    document = {
        "apiVersion": "shjobs/v1",
        "kind": "Diagnosis",
        "signs": [
            {key: str(getattr(diagnosis, key)) for key in fields if getattr(diagnosis, key)} for diagnosis in found
        ],
        **({"probe": report} if report else {}),
    }
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
