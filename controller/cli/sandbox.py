"""`shjobs sandbox`: the local stand-in for the service, until it is stopped."""

import signal
import threading
from pathlib import Path

import click

from controller.model.errors import UsageError


@click.command("sandbox", short_help="Run a local stand-in for the service.")
@click.option("--port", type=int, help="Port on 127.0.0.1, 8087 if not given; 0 takes a free one.")
@click.option(
    "--folder",
    default="state/sandbox",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where its ledger and its buckets are.",
)
@click.option("--bucket", "buckets", multiple=True, help="A bucket to make; my-bucket if none is given.")
@click.option("--run-seconds", type=float, help="The minimum time a request stays RUNNING.")
@click.option("--max-running", type=int, help="Requests that may run at once, 3 if not given.")
@click.option("--full-resolution", is_flag=True, default=None, help="Evaluate every pixel of large rasters.")
@click.option("--filter-scenes", is_flag=True, default=None, help="Call filterScenes, unlike V3 as it is documented.")
@click.option("--seed", type=int, help="Each seed gives another archive, 1 if not given.")
@click.option("--time-scale", type=float, help="A factor for the service's own times; 0.01 makes a minute 0.6 s.")
@click.option(
    "--options",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file with these and all other options.",
)
def command(path: Path | None, buckets: tuple[str, ...], **given: object) -> int:
    """Serve token endpoint, POST and GET on 127.0.0.1 and deliver real rasters into local folders.

    Client id and secret are `sandbox` and `sandbox-secret`; bucket `b` is the folder FOLDER/b.
    """
    from controller.sandbox.options import read_options
    from controller.sandbox.program import run_sandbox

    chosen = {name: value for name, value in given.items() if value is not None}
    options = read_options(path, chosen | ({"buckets": buckets} if buckets else {}), {"buckets": ("my-bucket",)})
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    welcome = (options.client_id, options.client_secret, options.buckets)
    try:
        run_sandbox(options, stop=stop, ready=lambda url: click.echo(_welcome(url, *welcome)))
    except OSError as error:
        raise UsageError(f"the sandbox cannot run in {options.folder}: {error.strerror or error}") from error
    return 0


def _welcome(url: str, client_id: str, client_secret: str, buckets: tuple[str, ...]) -> str:
    """The sandbox's URL, and what to export in the shell of `shjobs sync`."""
    variables = {
        "BASE_URL": url,
        "TOKEN_URL": f"{url}/oauth/token",
        "CLIENT_ID": client_id,
        "CLIENT_SECRET": client_secret,
    }
    for bucket in buckets:
        name = bucket.replace("-", "_").replace(".", "_").upper()
        variables |= {f"CREDENTIALS_{name}_ACCESS_KEY": "any", f"CREDENTIALS_{name}_SECRET_ACCESS_KEY": "any"}
    return "\n".join([f"sandbox ready at {url}", *(f"export SHJOBS_{key}={value}" for key, value in variables.items())])
