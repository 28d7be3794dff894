"""`shjobs plan`: what the next `sync` would submit, found on a copy of the ledger."""

import json
import os
from pathlib import Path
from typing import Any

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings

CHANGES = 3  # a number of its own: 2 is wrong use


@click.command("plan", short_help="Show what the next turn would do, and what it would cost.")
@click.argument("names", nargs=-1, type=JOB)
@click.option("-l", "--selector", multiple=True, metavar="LABEL[=VALUE]", help="Only jobs with this label.")
@click.option(
    "-o", "--output", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True
)
@click.option("--against", metavar="GITREF", default="", help="Assume the tree at this revision was already submitted.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit code 3 when something would be submitted.")
@click.pass_obj
def command(
    config: Path | None, names: tuple[str, ...], selector: tuple[str, ...], form: str, against: str,
    detailed_exitcode: bool,
) -> int:  # fmt: skip
    """Show what `sync` would do now with the jobs NAMES, or all: the same loop, on a copy of the ledger.

    The bucket is listed as `sync` would list it before a first submission; nothing is sent to the service and
    nothing is written. With --against, the manifests at GITREF replace the ledger: what this change would do.

    \b
    shjobs plan ndvi-malta              one job, as part of everything that is due
    shjobs plan -l team=agri            what `shjobs sync -l team=agri` would do

    Exit code 1 when a manifest cannot be accepted.
    """
    from controller.operations.plan.plan import plan

    found = plan(load_settings(config, os.environ), against, names, selector)
    click.echo(_rendered(found, form))
    if any(job["action"] == "invalid" or job.get("problems") for job in found["jobs"]):
        return 1
    return CHANGES if detailed_exitcode and found["totals"]["submissions"] else 0


def _rendered(plan: dict[str, Any], form: str) -> str:
    if form == "json":
        return json.dumps(plan, indent=2, ensure_ascii=False)
    if form == "markdown":
        from controller.cli.output.plan_markdown import markdown

        return markdown(plan)
    from controller.cli.output.plan_table import plan_table

    return plan_table(plan)
