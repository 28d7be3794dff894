"""`shjobs run`: the daemon."""

import os
from pathlib import Path

import click

from controller.cli.settings import load_settings
from controller.daemon.logs import FORMS


@click.command("run", short_help="Run the loop until stopped: the daemon.")
@click.option(
    "--listen", metavar="HOST:PORT", help="Where to serve /healthz, /readyz and /metrics; overrides `listen`."
)
@click.option("--no-listen", is_flag=True, help="Open no port.")
@click.option("--log-format", type=click.Choice(FORMS), help="Text lines or JSON; overrides `logFormat`.")
@click.pass_obj
def command(config: Path | None, listen: str | None, no_listen: bool, log_format: str | None) -> int:
    """Watch the manifests, submit what is new or changed, follow every request to its outcome, until stopped.

    SIGTERM or Ctrl-C stops it: a POST in flight is awaited and recorded; the second signal exits at once. SIGHUP
    rescans the tree. Only one process at a time may run on a state directory.
    """
    from controller.daemon.daemon import run
    from controller.daemon.logs import set_up

    settings = load_settings(config, os.environ)
    set_up(log_format or settings.log_format)
    address = "" if no_listen else listen if listen is not None else settings.listen
    return run(settings, address, lambda: load_settings(config, os.environ))
