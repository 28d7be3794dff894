"""`shjobs fetch`: the outputs of succeeded jobs, into a folder."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.cli.completing import JOB
from controller.cli.output.escape import printable
from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.model.errors import UsageError
from controller.model.reasons import Phase
from controller.operations.numbers import human_size

if TYPE_CHECKING:
    from controller.operations.fetch.fetch import Fetched, Watch
    from controller.settings.settings import Settings


@click.command("fetch", short_help="Download the outputs of succeeded jobs.")
@click.argument("names", metavar="[NAME]...", nargs=-1, type=JOB)
@click.option("-l", "--selector", multiple=True, metavar="LABEL[=VALUE]", help="What jobs with this label delivered.")
@click.option("--all", "is_all", is_flag=True, help="What all jobs delivered.")
@click.option(
    "--output", default="fetched", show_default=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; each job gets one of its own in it.",
)  # fmt: skip
@click.option("--preview", is_flag=True, help="Write a small PNG beside each raster.")
@click.option("--submission", default="", metavar="ID", help="Of this submission, not of the one in force.")
@click.pass_obj
def command(
    config: Path | None, names: tuple[str, ...], selector: tuple[str, ...], is_all: bool, output: Path, preview: bool,
    submission: str,
) -> int:  # fmt: skip
    """Download what the jobs NAME delivered, or what those did that -l or --all choose, as recorded in the ledger.

    Of a set (its name, or `set/NAME`) it is what its cells delivered so far.

    An interrupted download resumes where it stopped. Each file is exactly the object that was recorded (size and ETag)
    and begins as its type does; an existing one is not fetched again. Exit code 1 when something is missing.
    """
    from controller.operations.fetch.fetch import Fetched, WantedOutput, fetch, outputs_of
    from controller.operations.inspect.job_states import cells_by_name
    from controller.operations.inspect.selection import Selection, selected

    settings = load_settings(config, os.environ)
    if selector or is_all or not names:
        names = _succeeded(settings, names, selector, is_all=is_all)
    elif sets := cells_by_name(settings, names):
        jobs = [name for name in names if name not in sets]
        names = (*jobs, *_ready(selected(settings, Selection(names=[*sets], cells=True), Clock().now())))
    found = outputs_of(settings, names, submission, output)
    wrong = [f"{each.job}: {each.message}" for each in found if not isinstance(each, WantedOutput)]
    with _progress() as watch:
        for each in fetch(settings, [each for each in found if isinstance(each, WantedOutput)], watch):
            if isinstance(each, Fetched):
                remark = "  (was there)" if each.was_there else ""
                click.echo(printable(f"{each.wanted.target}  {human_size(each.wanted.origin.bytes)}{remark}"))
                wrong += _pictured(each) if preview else ()
            else:
                wrong.append(f"{each.job}: {each.message}")
    for line in wrong:
        click.echo(printable(line), err=True)
    return int(bool(wrong))


def _succeeded(
    settings: "Settings", names: tuple[str, ...], selector: tuple[str, ...], *, is_all: bool
) -> tuple[str, ...]:  # fmt: skip
    """The jobs that were chosen without naming them and have delivered; the others are counted.

    Raises `UsageError` when jobs are chosen in two ways, in none, or when there are none.
    """
    from controller.operations.inspect.selection import Selection, selected

    if len([way for way in (names, selector, is_all) if way]) != 1:
        raise UsageError("name jobs, or choose them with either -l LABEL or --all")
    found = selected(settings, Selection(labels=selector, cells=True), Clock().now())
    if not found:
        raise UsageError(f"no job has {' and '.join(selector)}" if selector else "there are no jobs")
    return _ready(found)


def _ready(found: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of those that delivered; the others are counted."""
    from controller.operations.numbers import count

    ready = tuple(str(each["name"]) for each in found if each["phase"] == Phase.SUCCEEDED)
    if len(ready) < len(found):
        click.echo(f"{count(len(found) - len(ready), 'job')} of {len(found):,} passed over: not Succeeded", err=True)
    return ready


def _pictured(fetched: "Fetched") -> Iterator[str]:
    """Make a picture beside a raster; yields the reason if it cannot be made."""
    from controller.operations.fetch.thumbnail import thumbnail

    target, kind = fetched.wanted.target, fetched.wanted.output.media_type
    picture = target.with_name(f"{target.stem}.preview.png")
    if not kind.startswith("image/"):
        return
    try:
        thumbnail(target, picture)
        click.echo(printable(str(picture)))
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

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=screen, transient=True) as bars:
        tasks = {}

        def watch(name: str, done: int, whole: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(printable(Path(name).name), total=whole)
            bars.update(tasks[name], completed=done)

        yield watch
