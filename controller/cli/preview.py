"""`shjobs preview`: see what a manifest's script makes, before anything is paid for."""

import os
from pathlib import Path

import click

from controller.cli.output.escape import printable
from controller.cli.settings import load_settings
from controller.manifest.validate import Broken, ValidManifest
from controller.model.clock import Clock
from controller.model.errors import ShjobsError, UsageError

LARGEST = 512  # pixels
FOLDER = Path("preview")
"""Where pictures go if no file is named; the `.gitignore` of `shjobs init` has it."""
SYNTHETIC = "The scenes are synthetic: this shows what the script does, not what the place looks like."


@click.command("preview", short_help="Draw a small picture of a manifest's output.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The PNG file; preview/<job>.png if not given."
)
@click.option("--job", "name", help="Which job, when FILE declares several; all of them if not given.")
@click.option("--size", default=LARGEST, show_default=True, type=click.IntRange(1, LARGEST), help="Most pixels a side.")
@click.option("--seed", default=1, show_default=True, help="Each seed gives other scenes.")
@click.pass_obj
def command(config: Path | None, file: Path, output: Path | None, name: str | None, size: int, seed: int) -> int:
    """Run the script of FILE over synthetic scenes and draw its default output as a PNG file.

    Nothing is called and nothing is paid for. Anything but an 8 bit picture of 1, 3 or 4 components is stretched, with
    a note. Exit code 1 when a job cannot be drawn.
    """
    documents = _documents(file, load_settings(config, os.environ).jobs, name)
    if output is not None and len(documents) > 1:
        raise UsageError(f"{file} declares {len(documents)} jobs: name one with --job, or leave out --output")
    drawn = [_is_drawn(document, output, size, seed) for document in documents]
    return int(not all(drawn))


def _documents(file: Path, jobs: Path, name: str | None) -> list[ValidManifest | Broken]:
    """What the file declares; the folder around it is read too, since it may contain scripts."""
    from controller.operations.check.check import checked_folders
    from controller.tree.scan import load

    [ground] = checked_folders([file], jobs)
    [path] = ground.named
    read = {each.path: each.documents for each in load(ground.folder)}
    if path not in read:
        raise UsageError(f"{file} is no manifest; those are named *.yaml, *.yml or *.json")
    found = [document for document in read[path] if name in (None, document.name)]
    found = found or _cells(file, jobs, name)
    if not found:
        known = ", ".join(document.name for document in read[path] if document.name) or "none"
        raise UsageError(f"{file} declares no job {name}; it has {known}")
    return found


def _cells(file: Path, jobs: Path, name: str | None) -> list[ValidManifest | Broken]:
    """The job of this name in the sets of the file, or what is wrong with these; none if it declares no set."""
    from controller.manifest.document import read_documents
    from controller.manifest.validate import is_set
    from controller.operations.expand import expand, manifest_of

    if not any(map(is_set, read_documents(file.read_text(encoding="utf-8", errors="replace"), str(file)))):
        return []
    sets = expand(file, jobs, Clock().now())
    cells = [(each, cell) for each in sets if not isinstance(each, Broken) for cell in each.cells]
    found = [manifest_of(each, cell) for each, cell in cells if cell.name == name]
    broken: list[ValidManifest | Broken] = [each for each in sets if isinstance(each, Broken)]
    if not found and not broken and cells:
        ask = f"{file} declares a set of {len(cells)} jobs" if name is None else f"no job of {file} is called {name}"
        raise UsageError(f"{ask}: name one with --job, such as {cells[0][1].name}; `shjobs expand {file}` lists them")
    return found or broken


def _is_drawn(document: ValidManifest | Broken, output: Path | None, size: int, seed: int) -> bool:
    from controller.sandbox.failure import RenderFailed
    from controller.sandbox.render.preview import draw

    if isinstance(document, Broken):
        for problem in document.problems:
            click.echo(printable(str(problem)), err=True)
        return False
    target = output or FOLDER / f"{document.name}.png"
    try:
        if output is None:
            FOLDER.mkdir(exist_ok=True)
        made = draw(document.request.body, target, side=size, seed=seed)
    except RenderFailed as error:
        click.echo(f"{document.name}: {printable(error.message)}", err=True)
        return False
    except OSError as error:
        words = f"{target} cannot be written: {error.strerror}"
        raise ShjobsError(words if output else f"{words}; name another place with --output FILE") from error
    click.echo(f"{target}: {made.width} x {made.height} px")
    for note in (*made.notes, SYNTHETIC):
        click.echo(f"  {printable(note)}")
    return True
