"""`shjobs retry`: pay again for runs that failed, without a commit; priced and confirmed before."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.completing import JOB
from controller.cli.settings import load_settings, operator
from controller.model.clock import Clock
from controller.model.errors import UsageError

if TYPE_CHECKING:
    from controller.operations.inspect.retry import Offer, Repeat

MOST_SHOWN = 10


@click.command("retry", short_help="Pay again for runs that failed.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=JOB)
@click.option("--unknown", is_flag=True, help="Also for runs of unknown outcome, which may have been paid for.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(config: Path | None, names: tuple[str, ...], unknown: bool, yes: bool) -> int:
    """Pay again for the Failed runs of the jobs NAME, or of the set `set/NAME`; the others are left alone.

    It raises `rerun` above what the manifest says, for this request only: a changed one begins anew. Large changes
    and the budget stop it as they stop any other submission. The same retry twice pays once.
    """
    from controller.cli.output.escape import printable
    from controller.operations.inspect.retry import offer, order

    settings, now = load_settings(config, os.environ), Clock().now()
    offered = offer(settings, names, now, unknown=unknown)
    for line in _lines(offered):
        click.echo(printable(line))
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nothing was retried: --yes agrees to the above where no one can be asked")
        if not click.confirm("Pay for it again?", err=True):
            raise UsageError("nothing was retried")
    order(settings, offered, operator(os.environ), Clock().now(), unknown=unknown)
    click.echo("noted; `shjobs sync`, or the running controller, carries it out at its next turn")
    return 0


def _lines(offered: "Offer") -> Iterator[str]:
    """What would be paid for, and what would hold it."""
    from controller.operations.numbers import count, units

    repeats, batch = offered.repeats, offered.batch
    yield _headline(offered)
    yield from map(_line, repeats[:MOST_SHOWN])
    if len(repeats) > MOST_SHOWN:
        yield f"  and {len(repeats) - MOST_SHOWN:,} more"
    if batch.jobs and (held := sum(each.held is not None for each in repeats)):
        yield f"not in that price: {count(held, 'run')} that something else holds"
    if offered.unknown:
        yield f"not {count(offered.unknown, 'run')} of unknown outcome: --unknown retries them too"
    if offered.is_large:
        yield f"this is a large change: it is held until `shjobs accept {batch.hash}`"
    if offered.left is not None and batch.units > offered.left:
        yield f"{units(max(0.0, offered.left))} PU are left of monthlyBudget: what is above waits for the next month"


def _headline(offered: "Offer") -> str:
    """How many runs are paid for, and for how much."""
    from controller.operations.numbers import count, units

    batch, paid = offered.batch, [each for each in offered.repeats if not each.shares and not each.held]
    if not paid:
        return "nothing is paid for again now:"
    expected = sum(each.expected for each in paid)
    amount = f"about {units(expected)} PU, up to {units(batch.units)} PU"
    return f"{count(len(paid), 'run')} again: {amount} ({batch.hash})"


def _line(each: "Repeat") -> str:
    """One job: what it costs, and why it is repeated, or nothing is paid for it."""
    from controller.operations.numbers import units

    if each.shares:
        return f"  {each.job}  {units(0.0)} PU  shares the run of {each.shares}"
    was = f"{each.job_state.phase} ({each.job_state.reason}): {each.job_state.message}"
    held = f"held ({each.held}); " if each.held else ""
    return f"  {each.job}  {units(each.units)} PU  {held}{was}"
