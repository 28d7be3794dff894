"""Shell completion beyond commands and options: job names, phases and conditions.

Completion must be fast and quiet: on any error, nothing is offered.
"""

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import click
from click.shell_completion import CompletionItem

MOST_FILES = 200
"""More manifests than this are not read for a completion; the ledger has their jobs after the first `sync`."""


class _Words(click.ParamType[str]):
    """Text that a shell completes from a list."""

    name = "text"

    def words(self, context: click.Context) -> Iterable[str]:
        raise NotImplementedError

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        return [CompletionItem(word) for word in self.words(ctx) if word.startswith(incomplete)]


class _JobName(_Words):
    """The name of a job or a set in the ledger or, without one, of a job in the files."""

    name = "name"

    def words(self, context: click.Context) -> Iterable[str]:
        from controller.cli.settings import load_settings
        from controller.ledger.location import FILE_NAME, is_there
        from controller.model.errors import ShjobsError

        try:
            settings = load_settings(context.obj or context.find_root().params.get("config"), os.environ)
            ledger = settings.state / FILE_NAME
            return sorted(_in_ledger(ledger) if is_there(settings.state) else _in_files(settings.jobs))
        except (ShjobsError, OSError, sqlite3.Error):
            return ()


class _Aim(_Words):
    """What `wait` waits for."""

    def words(self, context: click.Context) -> Iterable[str]:  # noqa: ARG002
        from controller.lifecycle.conditions import TYPES
        from controller.model.reasons import Phase

        return (*TYPES, *(phase for phase in Phase if phase is not Phase.REMOVED))


JOB = _JobName()
AIM = _Aim()


def _in_ledger(path: Path) -> Iterable[str]:
    from controller.ledger.location import read_only

    with closing(read_only(path)) as ledger:
        names = [row[0] for row in ledger.execute("select name from job where wanted is not null")]
        sets = "select distinct json_extract(wanted, '$.cell.set_name') from job where json_valid(wanted)"
        return [*names, *_and_full({row[0] for row in ledger.execute(sets) if row[0]} - {*names})]


def _and_full(sets: Iterable[str]) -> Iterable[str]:
    """Each set by its name, and as `set/NAME`."""
    from controller.model.job_set import set_reference

    return [name for each in sets for name in (each, set_reference(each))]


def _in_files(jobs: Path) -> Iterable[str]:
    from controller.tree.files import Known
    from controller.tree.scan import load
    from controller.tree.walk import Walk

    walk = Walk(jobs, Known())
    if walk.run() or len(walk.suspects) > MOST_FILES:
        return ()
    return [item.name for file in load(jobs) for item in file.documents if item.name]
