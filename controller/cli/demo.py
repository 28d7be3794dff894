"""`shjobs demo`: the four documented jobs, from manifest to proof, against a sandbox of its own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from controller.cli.settings import load_settings
from controller.model.errors import UsageError, truncate
from controller.settings.settings import Settings

READY = "sandbox ready at "
SETTINGS = """\
deployment = "sandbox"
largeChangeProcessingUnits = 100000 # the four jobs are meant to go out together

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "sandbox"
"""
PATIENCE = 20.0  # seconds


@click.command("demo", short_help="Take the four documented jobs through the sandbox.")
@click.option(
    "--directory",
    default="demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the demo keeps its manifests, state and rasters.",
)
@click.option("--time-scale", default=0.1, show_default=True, help="Factor for every waiting time.")
@click.option("--page", "is_shown", is_flag=True, help="Then serve the page of what it made until Ctrl-C.")
def command(directory: Path, time_scale: float, is_shown: bool) -> int:
    """Copy the four documented jobs, start a sandbox, take each job to its outcome, and stop the sandbox.

    DIRECTORY/index.html shows what it made. A second run finds everything paid for and submits nothing, even when
    DIRECTORY/state was deleted.
    """
    from controller.cli.output.tables import BAD, UNFINISHED, exit_code, print_documents
    from controller.cli.page import LISTEN, serve
    from controller.cli.sync import sync_once
    from controller.page.export import export_pages
    from controller.page.pictures.worker import make_pictures
    from controller.sandbox.ledger import SandboxLedger, posts

    _prepare(directory)
    ledger = directory / "sandbox" / "ledger.jsonl"
    with _sandbox(directory / "sandbox") as url:
        before = len(posts(SandboxLedger.read(ledger)))
        settings = _settings(directory, url, time_scale)
        documents = sync_once(settings)
        made = len(posts(SandboxLedger.read(ledger))) - before
    print_documents(documents, "table")
    click.echo(f"\nPOSTs in this run: {made}. Rasters: {directory}/sandbox/my-bucket, status: {directory}/jobs.d")
    make_pictures(settings)
    click.echo(f"Page: {export_pages(settings, directory)} opens without a server")
    if is_shown:
        serve(settings, LISTEN)
    return exit_code(documents, bad=BAD | UNFINISHED)


def _prepare(directory: Path) -> None:
    """Copy the shipped manifests unless they exist, and write settings that name the sandbox.

    Raises `UsageError`, before anything is written, where there are other settings.
    """
    from controller.operations.scaffold.repository import create

    jobs, settings = directory / "jobs.d", directory / "shjobs.toml"
    try:
        if settings.exists() and settings.read_bytes() != SETTINGS.encode():
            raise UsageError(f"{settings} is not the demo's: name another folder with --directory")
        if not jobs.exists():
            with as_file(_shipped_jobs()) as shipped:
                shutil.copytree(shipped, jobs, ignore=shutil.ignore_patterns("*.status.yaml"))
        create(settings, SETTINGS)
    except shutil.Error as error:  # one entry for each file, with source, target and why
        raise UsageError(
            f"the demo cannot be put into {directory}: {truncate(str(error.args[0][0][2]), 200)}"
        ) from error
    except OSError as error:
        raise UsageError(f"the demo cannot be put into {directory}: {error.strerror}") from error


def _shipped_jobs() -> Traversable:
    """`jobs.d` of the installed package, else of the checkout."""
    package = files("controller")
    inside = package.joinpath("data/jobs.d")
    return inside if inside.is_dir() else Path(str(package)).parent / "jobs.d"


def _settings(directory: Path, url: str, time_scale: float) -> Settings:
    environment = {
        "SHJOBS_BASE_URL": url,
        "SHJOBS_TOKEN_URL": f"{url}/oauth/token",
        "SHJOBS_CLIENT_ID": "sandbox",
        "SHJOBS_CLIENT_SECRET": "sandbox-secret",
        "SHJOBS_TIME_SCALE": str(time_scale),
        "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "demo",
        "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "demo-secret",
    }
    return load_settings(directory / "shjobs.toml", environment)


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    """A sandbox in its own process, on a free port of this machine; stopped on exit."""
    command = [sys.executable, "-P", "-m", "controller", "sandbox", "--port", "0", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None, "its output is piped"
            line = process.stdout.readline().strip()
            if not line.startswith(READY):
                raise UsageError("the sandbox did not start; `shjobs sandbox` shows why")
            yield line.removeprefix(READY)
        finally:
            process.terminate()
            process.wait(PATIENCE)
