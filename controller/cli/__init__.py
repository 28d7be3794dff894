"""The command line. Each command is a module of its own, loaded when it is called, so that `--help` is fast.

`main` is the only place where errors become sentences and exit codes: 0 done, 1 something is failed, invalid, unknown
or unconfirmed, 2 wrong use (DESIGN §10); 70 is a bug of ours, 128 + n the signal n: 130 is Ctrl-C, 143 SIGTERM.
"""

import errno
import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

from controller import __version__
from controller.cli.examples import epilog
from controller.cli.output.escape import printable_lines
from controller.cli.output.streams import let_go_of_the_output, prepare_streams
from controller.model.errors import ShjobsError, UsageError, truncate

FAILED, WRONG_USE, UNFORESEEN, INTERRUPTED = 1, 2, 70, 130
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EAGAIN})

COMMANDS = {
    "init": "Make a new repository: settings, an example, a check for pull requests.",
    "import": "Make a manifest from a request body, or from a snippet of the documentation.",
    "check": "Read every manifest and report every problem.",
    "expand": "Show the jobs that a set declares.",
    "plan": "Show what the next turn would do, and what it would cost.",
    "sync": "Submit what is new or changed and follow it to its outcome.",
    "run": "Run the loop until stopped: the daemon.",
    "get": "Show the jobs and their states.",
    "describe": "Show everything about one job.",
    "why": "Explain what a job waits for, and what would change that.",
    "page": "Look at the jobs in a browser.",
    "events": "Show what happened, newest last.",
    "wait": "Wait until jobs reach a phase or a condition.",
    "fetch": "Download the outputs of succeeded jobs.",
    "resolve": "State the outcome of a submission that got no clear answer.",
    "adopt": "Name a request that was already paid for, or state that nothing was.",
    "retry": "Pay again for runs that failed.",
    "accept": "Accept a large change, or continue after a request that cost too much.",
    "pause": "Submit nothing until `resume`; what runs is followed.",
    "resume": "Lift a `pause`.",
    "budget": "Show the month: spent, reserved, left, and what waits for a yes.",
    "preview": "Draw a small picture of a manifest's output.",
    "notify": "Show what the sinks have sent, or send each a test.",
    "doctor": "Check clock, account, buckets, files and state, and report what to fix.",
    "config": "Show every setting, its value and where it comes from.",
    "completion": "Print a shell completion script for commands and job names.",
    "schema": "Print the JSON Schema of manifests, for editors.",
    "sandbox": "Run a local stand-in for the service.",
    "demo": "Take the four documented jobs through the sandbox.",
}
_MODULES = {"import": "importing"}
"""The module of a command whose name cannot be a module name."""
_SETTINGS_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Commands(click.Group):
    """Finds a command's module by its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"controller.cli.{_MODULES.get(cmd_name, cmd_name)}").command
        command.epilog = epilog(cmd_name)
        _take_settings(command)
        _collect_again()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:  # which knows no command, since none is loaded
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _take_settings(command: click.Command) -> None:
    """Let a command, and those below it, take `--config` too; the one that is read last counts."""
    if not any(each.name == "config" for each in command.params):
        use = click.Option(["--config"], type=_SETTINGS_FILE, expose_value=False, hidden=True, callback=_use_settings)
        command.params.append(use)
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _take_settings(below)


def _use_settings(context: click.Context, _option: click.Parameter, config: Path | None) -> None:
    context.obj = config or context.obj


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="shjobs", message="%(prog)s %(version)s")
@click.option(
    "--config",
    type=_SETTINGS_FILE,
    help="The settings file; shjobs.toml in the working directory if not given. Any command takes it too.",
)
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Commit a manifest, get the raster in your bucket, read the outcome beside the manifest."""
    context.obj = config


class _Escaping(logging.Formatter):
    """A log line may quote the service, or a file."""

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record))


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    prepare_streams()
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(_Escaping("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[log])
    try:
        _check(arguments)
        code = cli.main(args=list(arguments), prog_name="shjobs", standalone_mode=False)
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return WRONG_USE
    except ShjobsError as error:
        _say(f"shjobs: {error}")
        return WRONG_USE
    except Exception as error:  # the only catch-all: a traceback may contain secrets
        if sys.flags.dev_mode:
            raise
        return _unforeseen(error)
    return code if isinstance(code, int) else 0


def _collect_again() -> None:
    """End the pause of garbage collection in which the modules were loaded; these never become garbage."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _check(arguments: Sequence[str]) -> None:
    """Raises `UsageError` for an argument that no file, job or hash can be named."""
    for each in arguments:
        if "\0" in each or any("\ud800" <= letter < "\udc80" or "\udcff" < letter <= "\udfff" for letter in each):
            raise UsageError(f"{truncate(each, 100)!r} is not valid text for an argument")


def _unforeseen(error: Exception) -> int:
    """Report what happened without the values that a traceback would show."""
    if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
        let_go_of_the_output()
        _say(f"shjobs: the output cannot be written: {error.strerror}")
        return FAILED
    if isinstance(error, OSError) and error.strerror:
        place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        _say(f"shjobs: {place}{error.strerror}")
        return WRONG_USE
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name} line {last.lineno}"
    _say(
        f"shjobs: this should not happen: {type(error).__name__} in {place}. Please report it; "
        "`python -X dev -m controller …` shows more"
    )
    return UNFORESEEN


def _say(sentence: str) -> None:
    """Write to stderr if possible; otherwise the exit code alone reports the error.

    The sentence may quote the user or a file; control characters in it are escaped.
    """
    with suppress(OSError):
        click.echo(printable_lines(sentence), err=True)
