"""`shjobs wait`: wait until jobs are in the state a script needs."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.completing import AIM, JOB
from controller.cli.settings import load_settings
from controller.model.errors import UsageError

if TYPE_CHECKING:
    from controller.lifecycle.conditions import WaitTarget
    from controller.operations.inspect.wait import Waited
    from controller.settings.settings import Settings


@click.command("wait", short_help="Wait until jobs reach a phase or a condition.")
@click.argument("names", metavar="NAME...", nargs=-1, type=JOB)
@click.option(
    "--for", "wanted", default="Ready", show_default=True, metavar="PHASE|CONDITION", type=AIM,
    help="A phase, such as Running, or a condition: Ready, Stalled, condition=Ready=False, Complete, Complete=95%.",
)  # fmt: skip
@click.option(
    "--revision", metavar="COMMIT", help="Wait until this commit is taken in, then for the jobs that it changed."
)
@click.option("--timeout", default="1h", show_default=True, metavar="DURATION", help="How long at most, such as 90s.")
@click.pass_obj
def command(config: Path | None, names: tuple[str, ...], wanted: str, revision: str | None, timeout: str) -> int:
    """Wait until every job or set NAME has the phase or condition. It only reads: something else must run or sync.

    A set is Complete when its cells that are due are Succeeded, all or a share of them; later ones are not waited for.
    With --revision first until the controller has taken in that commit, or a later one that contains it, and without
    a NAME then for every job that it changed.

    Exit code 0 when all have it, or the commit changed no job; 1 on timeout, or when a job that should succeed came to
    rest without it.
    """
    from controller.lifecycle.conditions import target
    from controller.model.timing import seconds_of
    from controller.operations.fetched import require_tree
    from controller.operations.inspect.wait import wait

    if not names and revision is None:
        raise UsageError("name a job or a set, or a commit with --revision")
    aim = target(wanted)
    try:
        seconds = seconds_of(timeout)
    except ValueError as error:
        raise UsageError(f"--timeout: {error}") from None
    settings = load_settings(config, os.environ)
    if revision is not None:
        return _wait_for_commit(settings, revision, names, aim, seconds, wanted, timeout)
    require_tree(settings, or_jobs=True)
    return _said(wait(settings, names, aim, seconds, _watch), wanted, timeout)


def _wait_for_commit(
    settings: "Settings", revision: str, names: tuple[str, ...], aim: "WaitTarget", seconds: float, wanted: str,
    timeout: str,
) -> int:  # fmt: skip
    """Wait for the commit, and then for its jobs; returns the exit code."""
    from controller.cli.output.escape import printable
    from controller.operations.inspect.revision.awaited import (
        NotTaken,
        hash_in,
        jobs_of_commit,
        taken_in,
        wait_for_jobs,
    )

    awaited = hash_in(revision)
    found = taken_in(settings, awaited, seconds)
    if isinstance(found, NotTaken):
        click.echo(printable(f"{revision}: not taken in within {timeout}: {found.message}"), err=True)
        return 1
    later = "" if found.commit.startswith(awaited) else f" with {found.commit[:10]}"
    of_it = names or jobs_of_commit(settings, awaited)
    since = " that was not changed again since" if later else ""
    click.echo(f"{revision}: taken in{later}" + ("" if of_it else f"; it changed no job{since}"))
    return _said(wait_for_jobs(settings, awaited, of_it, aim, found.seconds, _watch), wanted, timeout)


def _said(ended: "Iterable[Waited]", wanted: str, timeout: str) -> int:
    """Say how each wait ended; returns the exit code."""
    from controller.cli.output.escape import printable
    from controller.operations.inspect.wait import Ending

    late = 0
    for each in ended:
        if each.ending is Ending.MET:
            click.echo(printable(f"{each.name}: {_state(each.document)}"))
            continue
        late += 1
        why = f"not {wanted} within {timeout}" if each.ending is Ending.LATE else f"will not be {wanted} by itself"
        about = f"{each.document['reason']}: {each.document['message']}"
        click.echo(printable(f"{each.name}: {why}: {each.document['phase']} ({about})"), err=True)
    return int(late > 0)


def _watch(name: str, document: Mapping[str, Any]) -> None:
    """Show changes when stderr is a terminal."""
    from controller.cli.output.escape import printable

    if sys.stderr.isatty():
        click.echo(printable(f"{name}: {_state(document)}…"), err=True)


def _state(document: Mapping[str, Any]) -> str:
    """The phase, or how far a set is."""
    from controller.cli.output.set_words import progress_words
    from controller.lifecycle.conditions import is_of_set

    return progress_words(document) if is_of_set(document) else str(document["phase"])
