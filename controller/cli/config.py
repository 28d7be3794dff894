"""`shjobs config show`: the effective settings, and where each comes from."""

import json
import os
from pathlib import Path
from typing import Any

import click

from controller.cli.examples import epilog
from controller.cli.settings import load_settings, read_text
from controller.settings.provenance import Origin, Shown, effective_settings


@click.group("config", short_help="Show every setting, its value and where it comes from.")
def command() -> None:
    """Show the settings that are in force."""


@command.command("show", short_help="Show every setting, its value and where it comes from.", epilog=epilog("config"))
@click.option("-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.pass_obj
def show_settings(config: Path | None, form: str) -> int:
    """Show every setting with its value, and whether it is the default, the deployment's, or set by file or variable.

    Secrets are shown as ***. Nothing is called.
    """
    settings = load_settings(config, os.environ)
    path, text = read_text(config)
    found = effective_settings(settings, text, os.environ)
    if form == "json":
        document = {
            "apiVersion": "shjobs/v1",
            "kind": "Config",
            "source": str(path) if text else None,
            "settings": [_entry(each) for each in found],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print(found)
    return 0


def _entry(setting: Shown) -> dict[str, Any]:
    entry = {"key": setting.key, "value": setting.value, "origin": str(setting.origin)}
    return {**entry, "from": setting.place} if setting.place else entry


def _print(found: list[Shown]) -> None:
    from rich.text import Text

    from controller.cli.output.escape import printable
    from controller.cli.output.terminal import console, plain_table

    table = plain_table("SETTING", "VALUE", "FROM")
    for each in found:
        origin = each.place if each.origin in (Origin.FILE, Origin.VARIABLE) else f"{each.origin} {each.place}".strip()
        cells = (each.key, _formatted(each.value), origin)
        table.add_row(*(Text(printable(cell), style="dim" if each.origin is Origin.DEFAULT else "") for cell in cells))
    table.columns[1].no_wrap = False
    console().print(table)


def _formatted(value: Any) -> str:
    """A value as in TOML, without the quotes around text."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
