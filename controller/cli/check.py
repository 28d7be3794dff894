"""`shjobs check`: every manifest, every problem, offline."""

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from controller.appraise import Appraiser
from controller.claims import Declared
from controller.cli.words import count
from controller.errors import Problem, UsageError
from controller.loader import shown
from controller.settingsfile import load_settings
from controller.tree import Tree


@click.command("check", short_help="Read every manifest and tell everything that is wrong.")
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.pass_obj
def command(config: Path | None, path: Path | None) -> int:
    """Read every manifest below PATH (a folder or one file; `jobs` of the settings if not given).

    Each problem is one line, file:line:column: field: what to write instead. Exit code 1 when there is one.
    """
    from controller import evalscript

    settings = load_settings(config, os.environ)
    root = path or settings.jobs
    folder = root.parent if root.is_file() else root
    tree = Tree(folder, Appraiser(settings.deployment, settings.credentials, evalscript))
    change = tree.refresh({}, datetime.now(UTC))
    if not change.ready:
        raise UsageError(change.reason)
    only = shown(root.name) if root.is_file() else None
    paths = [item for item in sorted(tree.paths()) if only in (None, item)]
    problems = [item for item in change.problems if only in (None, item.path)]
    return _report(folder, problems, [document for item in paths for document in tree.documents(item)], len(paths))


def _report(folder: Path, unread: list[Problem], documents: list[Declared], files: int) -> int:
    problems = [*unread, *(problem for item in documents for problem in item.problems)]
    place = "" if folder == Path() else f"{folder}/"
    for problem in problems:
        click.echo(f"{place}{problem}")
    accepted = sum(item.accepted for item in documents)
    summary = f"{count(files, 'file')}, {count(accepted, 'job')} accepted, {count(len(problems), 'problem')}"
    click.echo(summary, err=bool(problems))
    return 1 if problems else 0
