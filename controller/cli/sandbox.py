"""`shjobs sandbox`: the local stand-in for the service, until it is stopped."""

import signal
import threading
from pathlib import Path

import click

from controller.errors import UsageError


@click.command("sandbox", short_help="Run a local stand-in for the service.")
@click.option("--port", default=8087, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option(
    "--folder",
    default="state/sandbox",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where its ledger and its buckets are.",
)
@click.option("--bucket", "buckets", multiple=True, default=["my-bucket"], show_default=True, help="A bucket to make.")
@click.option("--run-seconds", default=0.0, help="The least time a request stays RUNNING.")
@click.option("--max-running", default=3, show_default=True, help="Requests that may run at once.")
@click.option("--full-resolution", is_flag=True, help="Evaluate every pixel of large rasters.")
def command(
    port: int, folder: Path, buckets: tuple[str, ...], run_seconds: float, max_running: int, full_resolution: bool
) -> int:
    """Serve token endpoint, POST and GET on 127.0.0.1 and deliver real GeoTIFFs into local folders.

    Client id and secret are `sandbox` and `sandbox-secret`; bucket `b` is the folder FOLDER/b.
    """
    try:
        from controller.sandbox.options import SandboxOptions
        from controller.sandbox.program import run_sandbox
    except ModuleNotFoundError as error:
        raise UsageError(f"the sandbox needs {error.name}: install shjobs[sandbox]") from error

    options = SandboxOptions(
        folder=folder,
        port=port,
        buckets=buckets,
        run_seconds=run_seconds,
        max_running=max_running,
        full_resolution=full_resolution,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        run_sandbox(options, stop=stop, ready=lambda url: click.echo(_welcome(url, options.client_secret, buckets)))
    except OSError as error:
        raise UsageError(f"the sandbox cannot run in {folder}: {error.strerror or error}") from error
    return 0


def _welcome(url: str, client_secret: str, buckets: tuple[str, ...]) -> str:
    """Where it is, and what to export in the shell of `shjobs sync`."""
    variables = {
        "BASE_URL": url,
        "TOKEN_URL": f"{url}/oauth/token",
        "CLIENT_ID": "sandbox",
        "CLIENT_SECRET": client_secret,
    }
    for bucket in buckets:
        name = bucket.replace("-", "_").replace(".", "_").upper()
        variables |= {f"CREDENTIALS_{name}_ACCESS_KEY": "any", f"CREDENTIALS_{name}_SECRET_ACCESS_KEY": "any"}
    return "\n".join([f"sandbox ready at {url}", *(f"export SHJOBS_{key}={value}" for key, value in variables.items())])
