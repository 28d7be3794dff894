"""`shjobs import`: turns requests, as people paste them, into manifests and scripts."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.output.escape import printable, printable_lines
from controller.cli.settings import load_settings
from controller.model.errors import UsageError
from controller.operations.numbers import human_size
from controller.settings.environment import variable_of
from controller.settings.settings import Settings

if TYPE_CHECKING:
    from controller.operations.scaffold.import_request import Intake

LARGEST = 4 * 1024 * 1024  # bytes
STDIN = "-"


@click.command(
    "import", short_help="Make manifests from requests as people paste them: JSON, curl, Python, notebooks, pages."
)
@click.argument("file", default=STDIN, type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--name", help="Name of the job and its files; the name of FILE if not given.")
@click.option("--url", metavar="S3URL", help="Where the results go, instead of what the text says.")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write to; `jobs` of the settings if not given.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print what would be written.")
@click.pass_obj
def command(
    config: Path | None, file: str, name: str | None, url: str | None, output: Path | None, dry_run: bool
) -> int:
    """Read requests from FILE (or from stdin), and write each as a manifest and a script.

    FILE contains the JSON or Python body of a request, a command of curl, a notebook, a Postman collection, or a whole
    page with examples. Nothing in it is executed. Bucket keys are removed: the manifest names a credential instead.
    """
    from controller.manifest.fields import is_name
    from controller.operations.fetched import refuse_fetched_folder
    from controller.operations.scaffold.import_request import files_beside, refuse_taken, take_in

    settings = load_settings(config, os.environ)
    if output is None and not dry_run:
        refuse_fetched_folder(settings)
    job = name or _name_of(file)
    if not is_name(job):
        raise UsageError(f"--name: {job!r} must be made of lowercase letters, digits and '-', at most 63")
    try:
        folder = Path() if file == STDIN else Path(file).parent
        intakes, passed_over = take_in(_read(file), job, url, settings, files_beside(folder))
    except UsageError as error:
        raise UsageError(f"{'the input' if file == STDIN else file}: {error}") from error
    for reason in passed_over:
        click.echo(printable(f"passed over: {reason}"), err=True)
    if _show_problems(intakes):
        return 1
    folder = output or settings.jobs
    for taken in intakes:
        refuse_taken(folder, taken.name, settings.jobs)
    if dry_run:
        _print(intakes, folder)
    else:
        _write(intakes, folder)
    for line in _advice(intakes, folder, settings):
        click.echo(printable_lines(line), err=dry_run)
    return 0


def _show_problems(intakes: "tuple[Intake, ...]") -> bool:
    """Print what `check` would refuse; returns whether there is anything."""
    for taken in intakes:
        place = f"{taken.pasted.place}: " if len(intakes) > 1 else ""
        for problem in taken.problems:
            words = (f"{problem.code} {problem.field}".strip(), problem.message)
            click.echo(printable(place + ": ".join(filter(None, words))), err=True)
    if any(taken.problems for taken in intakes):
        click.echo("nothing was written: fix these in the text, then import it again", err=True)
        return True
    return False


def _print(intakes: "tuple[Intake, ...]", folder: Path) -> None:
    for taken in intakes:
        click.echo(f"// {folder / taken.name}.js\n{printable_lines(taken.script)}")
        click.echo(f"# {folder / taken.name}.yaml\n{printable_lines(taken.manifest)}")


def _write(intakes: "tuple[Intake, ...]", folder: Path) -> None:
    """All files or, when one fails, none; the scripts first: a manifest must never exist without its own."""
    from controller.operations.scaffold.repository import create

    scripts = {folder / f"{taken.name}.js": taken.script for taken in intakes}
    files = scripts | {folder / f"{taken.name}.yaml": taken.manifest for taken in intakes}
    with ExitStack() as undo:
        for path, text in files.items():
            if not create(path, text):
                raise UsageError(f"{path} is there already: choose another name with --name")
            undo.callback(_remove, path)
        undo.pop_all()
    for path in files:
        click.echo(f"made {path}")


def _remove(path: Path) -> None:
    with suppress(OSError):  # what failed before is what is reported
        path.unlink()


def _name_of(file: str) -> str:
    """The file's own name, reduced to the characters that a job name may have."""
    if file == STDIN:
        raise UsageError("name the job with --name: the input has no name of its own")
    name = re.sub("[^a-z0-9]+", "-", Path(file).stem.lower()).strip("-")[:63].strip("-")
    if not name:
        raise UsageError(f"name the job with --name: {file} has no letter and no digit that a name may have")
    return name


def _read(file: str) -> str:
    if file == STDIN and sys.stdin.isatty():
        click.echo("paste the request, then press Ctrl-D", err=True)
    try:
        if file == STDIN:
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(LARGEST + 1)
    except FileNotFoundError:
        raise UsageError("there is no such file") from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}") from error
    if len(content) > LARGEST:
        raise UsageError(f"is larger than {human_size(LARGEST)}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("is not UTF-8 text") from None
    if not text.strip():
        raise UsageError("is empty")
    return text


def _advice(intakes: "tuple[Intake, ...]", folder: Path, settings: Settings) -> Iterator[str]:
    """What the user has to do before the jobs can be submitted."""
    scripts = ", ".join(str(folder / f"{each.name}.js") for each in intakes if each.pasted.had_lost_breaks)
    if scripts:
        yield f"the script had lost its line breaks: they were restored where they seem to belong, so check {scripts}"
    if any(taken.pasted.had_keys for taken in intakes):
        yield "the keys were removed: no file contains them"
    for url in dict.fromkeys(each.url for each in intakes if each.is_chosen):
        yield f"the text names no bucket: results go to {url}, the only place in {settings.file}; else give --url"
    if keys := dict.fromkeys(key for each in intakes for key in each.left_out):
        yield f"{' and '.join(keys)} of the text: left out, since --url names another bucket"
    for name in dict.fromkeys(each.credential for each in intakes if each.credential):
        yield from _of_credential([each for each in intakes if each.credential == name], settings)
    yield "next: shjobs check, then shjobs plan"


def _of_credential(intakes: "list[Intake]", settings: Settings) -> Iterator[str]:
    """The credential that these requests share."""
    name = intakes[0].credential
    if all(each.is_known for each in intakes):
        yield f"the credential {name} of {settings.file} is used"
        return
    keys = [variable_of(f"credentials.{name}.{key}") for key in ("accessKey", "secretAccessKey")]
    prefixes = ", ".join(f'"{url}"' for url in dict.fromkeys(each.url for each in intakes))
    folder = 'folder = "state/sandbox"\n' if settings.deployment.name == "sandbox" else ""
    yield f"add to {settings.file}:\n\n[credentials.{name}]\nprefixes = [{prefixes}]\n{folder}"
    yield f"and set {keys[0]} and {keys[1]}, or name their files there (accessKeyFile, secretAccessKeyFile)"
