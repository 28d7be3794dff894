"""`shjobs plan`: what the next `sync` would submit, found on a copy of the ledger."""

import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings

if TYPE_CHECKING:  # the command line starts faster without them
    from controller.settings.settings import Settings
    from controller.settings.sinks import SinkKind

YEARS = 10
LONGEST = timedelta(days=366 * YEARS)
CHANGES = 3  # a number of its own: 2 is wrong use


@click.command("plan", short_help="Show what the next turn would do, and what it would cost.")
@click.argument("names", nargs=-1, type=JOB)
@click.option("-l", "--selector", multiple=True, metavar="LABEL[=VALUE]", help="Only jobs with this label.")
@click.option(
    "-o", "--output", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True
)
@click.option("--against", metavar="GITREF", default="", help="Assume the tree at this revision was already submitted.")
@click.option("--at", metavar="DATE", default="", help="The plan of a later day or moment (UTC): what becomes due.")
@click.option("--cells", "has_cells", is_flag=True, help="Show every cell of the sets, not a row for each set.")
@click.option(
    "--comment", is_flag=False, flag_value="", type=click.Choice(["", "github", "gitlab", "gitea"]),
    metavar="[=github|gitlab|gitea]", help="Also write it into the pull request of this CI run.",
)  # fmt: skip
@click.option("--detailed-exitcode", is_flag=True, help="Exit code 3 when something would be submitted.")
@click.pass_obj
def command(
    config: Path | None, names: tuple[str, ...], selector: tuple[str, ...], form: str, against: str,
    at: str, has_cells: bool, comment: str | None, detailed_exitcode: bool,
) -> int:  # fmt: skip
    """Show what `sync` would do now with the jobs NAMES, or all: the same loop, on a copy of the ledger.

    The bucket is listed as `sync` would list it before a first submission; nothing is sent to the service and
    nothing is written. With --against, the manifests at GITREF replace the ledger: what this change would do.
    With --comment, a pull request shows it as one comment; that it cannot be written changes no exit code.

    \b
    shjobs plan ndvi-malta              one job, as part of everything that is due
    shjobs plan -l team=agri            what `shjobs sync -l team=agri` would do
    shjobs plan set/ndvi-alps --cells   every cell of a set
    shjobs plan --at 2027-01-01         what becomes due until then, and what it costs

    Exit code 1 when a manifest cannot be accepted.
    """
    from controller.operations.plan.plan import plan

    moment = _moment(at, against) if at else None
    kind = _kind(comment)
    settings = load_settings(config, os.environ)
    found = plan(settings, against, names, selector, moment, has_cells=has_cells)
    click.echo(_rendered(found, form, has_cells=has_cells))
    if kind:
        _comment(settings, kind, _rendered(found, "markdown", has_cells=has_cells))
    if any(job["action"] == "invalid" or job.get("problems") for job in found["jobs"]):
        return 1
    return CHANGES if detailed_exitcode and found["totals"]["submissions"] else 0


def _kind(comment: str | None) -> "SinkKind | None":
    """The host to comment at; None: at none."""
    if comment is None:
        return None
    from controller.notify.hosts.pull_request import ci_kind

    return ci_kind(comment, os.environ)


def _comment(settings: "Settings", kind: "SinkKind", text: str) -> None:
    from controller.cli.output.escape import printable_lines
    from controller.operations.plan.comment import comment_plan

    _, words = comment_plan(settings, kind, os.environ, text)
    click.echo(printable_lines(words), err=True)


def _moment(written: str, against: str) -> datetime:
    """The time that --at names: a day counts whole, and a time without a zone is in UTC."""
    from controller.model.clock import Clock
    from controller.model.errors import UsageError

    if against:
        raise UsageError(
            "--at looks ahead from the files as they are, --against compares them with a revision: use one"
        )
    try:
        named = _end_of_day(written) or datetime.fromisoformat(written)
        moment, now = named.replace(tzinfo=named.tzinfo or UTC).astimezone(UTC), Clock().now()
    except (ValueError, OverflowError):
        raise UsageError(f"--at: {written!r} is no date; write 2027-01-31 or 2027-01-31T12:00:00Z") from None
    if moment < now:
        raise UsageError(f"--at: {written} is past; write a later day, or leave --at out for what is due now")
    if moment > now + LONGEST:
        raise UsageError(f"--at: {written} is more than {YEARS} years ahead; write an earlier day")
    return moment


def _end_of_day(written: str) -> datetime | None:
    """The last moment of a day, in any form that a day has; None when it is not written as a day alone."""
    try:
        return datetime.combine(date.fromisoformat(written), time.max)
    except ValueError:
        return None


def _rendered(plan: dict[str, Any], form: str, *, has_cells: bool) -> str:
    if form == "json":
        return json.dumps(plan, indent=2, ensure_ascii=False)
    if form == "markdown":
        from controller.cli.output.plan_markdown import markdown

        return markdown(plan, has_cells=has_cells)
    from controller.cli.output.plan_table import plan_table

    return plan_table(plan, has_cells=has_cells)
