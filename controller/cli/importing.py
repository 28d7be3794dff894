"""`shjobs import`: turns a request body, or a whole snippet of the documentation, into a manifest and a script."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.output.numbers import human_size
from controller.cli.settings import load_settings
from controller.model.errors import UsageError
from controller.settings.environment import variable_of
from controller.settings.settings import Settings

if TYPE_CHECKING:
    from controller.operations.scaffold.import_request import Intake

LARGEST = 4 * 1024 * 1024  # bytes
STDIN = "-"


@click.command("import", short_help="Make a manifest from a request body, or from a snippet of the documentation.")
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
    """Read a request from FILE (or from stdin), and write it as a manifest and a script.

    FILE contains the JSON or Python body of a request, or a snippet as in the service's documentation. Nothing in it is
    executed. Bucket keys are removed: the manifest names a credential instead.
    """
    from controller.manifest.fields import is_name
    from controller.operations.scaffold.import_request import refuse_taken, take_in
    from controller.operations.scaffold.repository import create

    settings = load_settings(config, os.environ)
    job = name or _name_of(file)
    if not is_name(job):
        raise UsageError(f"--name: {job!r} must be made of lowercase letters, digits and '-', at most 63")
    try:
        taken = take_in(_read(file), job, url, settings)
    except UsageError as error:
        raise UsageError(f"{'the input' if file == STDIN else file}: {error}") from error
    folder = output or settings.jobs
    if taken.problems:
        for problem in taken.problems:
            click.echo(": ".join(filter(None, (f"{problem.code} {problem.field}".strip(), problem.message))), err=True)
        click.echo("nothing was written: fix these in the text, then import it again", err=True)
        return 1
    refuse_taken(folder, job, settings.jobs)
    # The script first: the manifest must never exist without it.
    files = {folder / f"{job}.js": taken.script, folder / f"{job}.yaml": taken.manifest}
    for path, text in files.items():
        if dry_run:
            click.echo(f"{'//' if path.suffix == '.js' else '#'} {path}\n{text}")
        elif create(path, text):
            click.echo(f"made {path}")
        else:
            raise UsageError(f"{path} is there already: choose another name with --name")
    for line in _advice(taken, folder / f"{job}.js", settings):
        click.echo(line, err=dry_run)
    return 0


def _name_of(file: str) -> str:
    """The file's own name, reduced to the characters that a job name may have."""
    if file == STDIN:
        raise UsageError("name the job with --name: the input has no name of its own")
    return re.sub("[^a-z0-9]+", "-", Path(file).stem.lower()).strip("-")[:63].strip("-")


def _read(file: str) -> str:
    if file == STDIN and sys.stdin.isatty():
        click.echo("paste the request, then press Ctrl-D", err=True)
    try:
        if file == STDIN:
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(LARGEST + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError("there is no such file") from None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError("is not UTF-8 text") from None
    if len(content) > LARGEST:
        raise UsageError(f"is larger than {human_size(LARGEST)}")
    if not text.strip():
        raise UsageError("is empty")
    return text


def _advice(taken: "Intake", script: Path, settings: Settings) -> Iterator[str]:
    """What the user has to do before the job can be submitted."""
    if taken.pasted.had_lost_breaks:
        yield f"the script had lost its line breaks: they were restored where they seem to belong, so check {script}"
    if taken.pasted.had_keys:
        yield "the keys were removed: no file contains them"
    if taken.credential and taken.is_known:
        yield f"the credential {taken.credential} of {settings.source} is used"
    elif taken.credential:
        keys = [variable_of(f"credentials.{taken.credential}.{key}") for key in ("accessKey", "secretAccessKey")]
        folder = 'folder = "state/sandbox"\n' if settings.deployment.name == "sandbox" else ""
        yield f'add to {settings.source}:\n\n[credentials.{taken.credential}]\nprefixes = ["{taken.url}"]\n{folder}'
        yield f"and set {keys[0]} and {keys[1]}, or name their files there (accessKeyFile, secretAccessKeyFile)"
    yield "next: shjobs check, then shjobs plan"
