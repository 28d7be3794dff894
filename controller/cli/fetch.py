"""`shjobs fetch`: the outputs of succeeded jobs, into a folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.completing import JOB
from controller.cli.output.numbers import human_size
from controller.cli.settings import load_settings
from controller.model.errors import UsageError

if TYPE_CHECKING:
    from controller.operations.fetch.fetch import Fetched, Watch


@click.command("fetch", short_help="Download the outputs of succeeded jobs.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, type=JOB)
@click.option(
    "--output", default="fetched", show_default=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; each job gets one of its own in it.",
)  # fmt: skip
@click.option("--preview", is_flag=True, help="Write a small PNG beside each raster.")
@click.option("--submission", default="", metavar="ID", help="Of this submission, not of the one in force.")
@click.pass_obj
def command(config: Path | None, names: tuple[str, ...], output: Path, preview: bool, submission: str) -> int:
    """Download what the jobs NAME delivered, as recorded in the ledger.

    An interrupted download resumes where it stopped. Each file is exactly the object that was recorded (size and ETag)
    and begins as its type does; an existing one is not fetched again. Exit code 1 when something is missing.
    """
    from controller.operations.fetch.fetch import Fetched, WantedOutput, fetch, outputs_of

    settings = load_settings(config, os.environ)
    found = outputs_of(settings, names, submission, output)
    wrong = [f"{each.job}: {each.message}" for each in found if not isinstance(each, WantedOutput)]
    with _progress() as watch:
        for each in fetch(settings, [each for each in found if isinstance(each, WantedOutput)], watch):
            if isinstance(each, Fetched):
                remark = "  (was there)" if each.was_there else ""
                click.echo(f"{each.wanted.target}  {human_size(each.wanted.origin.bytes)}{remark}")
                wrong += _pictured(each) if preview else ()
            else:
                wrong.append(f"{each.job}: {each.message}")
    for line in wrong:
        click.echo(line, err=True)
    return int(bool(wrong))


def _pictured(fetched: "Fetched") -> Iterator[str]:
    """Make a picture beside a raster; yields the reason if it cannot be made."""
    from controller.operations.fetch.thumbnail import thumbnail

    target, kind = fetched.wanted.target, fetched.wanted.output.media_type
    picture = target.with_name(f"{target.stem}.preview.png")
    if not kind.startswith("image/"):
        return
    try:
        thumbnail(target, picture, kind)
        click.echo(picture)
    except UsageError as error:
        yield f"{fetched.wanted.job}: {error}"


@contextmanager
def _progress() -> Iterator["Watch"]:
    """A bar for each file on a terminal, nothing otherwise."""
    from controller.cli.output.terminal import console

    screen = console(stderr=True)
    if not screen.is_terminal:
        yield lambda _name, _done, _size: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=screen, transient=True) as bars:
        tasks = {}

        def watch(name: str, done: int, whole: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(Path(name).name, total=whole)
            bars.update(tasks[name], completed=done)

        yield watch
