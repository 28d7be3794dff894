"""`shjobs expand`: the jobs that a set declares, offline."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.output.annotations import problems_as_text
from controller.cli.output.escape import printable
from controller.cli.output.tables import align
from controller.cli.settings import load_settings
from controller.model.clock import Clock
from controller.operations.numbers import count

if TYPE_CHECKING:
    from controller.sets.accept import ValidSet

FORMS = ("table", "yaml", "geojson")


@click.command("expand", short_help="Show the jobs that a set declares.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", "form", type=click.Choice(FORMS), default="table", show_default=True,
              help="yaml: a manifest of each job; geojson: the tiles, for a map.")  # fmt: skip
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), help="As on that day, in UTC; today if not given.")
@click.pass_obj
def command(config: Path | None, file: Path, form: str, at: datetime | None) -> int:
    """Show the jobs of the sets in FILE (`kind: AsyncProcessSet`): one for each cell of their axes.

    Nothing is called; no credentials or state are needed. Exit code 1 when a set has an error.
    """
    from controller.manifest.validate import Broken
    from controller.operations.expand import as_geojson, expand

    settings = load_settings(config, os.environ)
    until = datetime.combine(at.date(), time.max, UTC) if at else Clock().now()
    found = expand(file, settings.jobs, until)
    problems = [problem for each in found if isinstance(each, Broken) for problem in each.problems]
    if problems:
        click.echo(problems_as_text(problems))
        return 1
    sets = [each for each in found if not isinstance(each, Broken)]
    if form == "geojson":
        click.echo(json.dumps(as_geojson(sets)))
    else:
        for line in _yaml(sets) if form == "yaml" else map(printable, _table(sets)):
            click.echo(line)
    return 0


def _yaml(sets: "Sequence[ValidSet]") -> Iterator[str]:
    from controller.manifest.dump import manifest_text

    for each in sets:
        for cell in each.cells:
            yield f"---\n{manifest_text(cell.document)}".rstrip("\n")


def _table(sets: "Sequence[ValidSet]") -> Iterator[str]:
    from controller.sets.jobs import waste

    for each in sets:
        names = [axis.name for axis in each.axes]
        rows = [
            [cell.name, *(cell.values[name].key for name in names), f"{cell.due:%Y-%m-%d}" if cell.due else "at once"]
            for cell in each.cells
        ]
        yield from align(["JOB", *(name.upper() for name in names), "DUE"], rows)
        yield ""
        yield _sum(each)
        beside = waste(each)
        if beside and (beside.outside or beside.slivers):
            few = f"; {count(beside.slivers, 'tile')} less than half inside" if beside.slivers else ""
            yield f"paid outside the area: {beside.outside:.0%}{few}"


def _sum(found: "ValidSet") -> str:
    parts = " x ".join(f"{len(axis.values):,} {axis.name}" for axis in found.axes)
    endless = next((axis for axis in found.axes if axis.is_endless), None)
    more = f"; it goes on with every {endless.every.every}" if endless and endless.every else ""
    return f"{found.name}: {count(len(found.cells), 'cell')} ({parts}){more}"
