"""`shjobs check`: every manifest, every problem, offline."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from controller.cli.output.annotations import github, problems_as_json, problems_as_text
from controller.cli.output.escape import printable
from controller.cli.settings import NAME, load_settings
from controller.operations.check.cache import CheckCache, cache_folder
from controller.operations.check.check import Checked, CheckedFolder, check, checked_folders
from controller.operations.check.examiner import Examiner
from controller.operations.fetched import require_tree
from controller.operations.numbers import count
from controller.tree.foreign import foreign_note

NAMED = 3  # files of approvals
FORMS = {"text": problems_as_text, "json": problems_as_json, "github": github}


@click.command("check", short_help="Read every manifest and report every problem.")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(list(FORMS)),
    default="text",
    show_default=True,
    help="github: annotations of a pull request, written by a workflow.",
)
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings too.")
@click.option("--no-cache", is_flag=True, help="Check everything again, and cache nothing.")
@click.pass_obj
def command(config: Path | None, paths: tuple[Path, ...], form: str, strict: bool, no_cache: bool) -> int:
    """Read every manifest in PATH (files and folders; `jobs` of the settings if not given).

    For a script, the manifests that use it are read. Each problem is one line: file:line:column: CODE field: what to
    write instead. Nothing is called; no credentials or state are needed. Exit code 1 when there is an error.
    """
    configured = config is not None or Path(NAME).exists()
    settings = load_settings(config, os.environ)
    if not paths:
        require_tree(settings)
    examiner = Examiner(settings, configured=configured)
    cache = CheckCache(None if no_cache else cache_folder(os.environ))
    stamp = "" if no_cache else examiner.stamp
    found = [_check(ground, examiner, cache, stamp) for ground in checked_folders(paths, settings.jobs)]
    problems = [each for part in found for each in part.problems]
    if problems or form == "json":
        click.echo(FORMS[form](problems))
    errors = sum(not each.is_warning for each in problems)
    warnings = len(problems) - errors
    _print_findings(found, errors, warnings, err=bool(problems) or form != "text")
    if not configured:
        click.echo(f"there is no {NAME} here: whether the named credentials exist was not checked", err=True)
    return int(errors > 0 or (strict and warnings > 0))


def _check(ground: CheckedFolder, examiner: Examiner, cache: CheckCache, stamp: str) -> Checked:
    """The findings of one folder, with paths relative to the working directory where possible."""
    found = check(ground, examiner, datetime.now(UTC), cache, stamp)
    here, folder = Path.cwd(), ground.folder
    around = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return replace(
        found,
        problems=tuple(replace(each, path=str(around / each.path)) for each in found.problems),
        foreign=tuple(str(around / each) for each in found.foreign),
        unused=tuple(str(around / each) for each in found.unused),
        approvals=tuple(str(around / each) for each in found.approvals),
    )


def _print_findings(found: Sequence[Checked], errors: int, warnings: int, *, err: bool) -> None:
    if note := foreign_note([path for part in found for path in part.foreign]):
        click.echo(printable(note), err=True)
    for path in (each for part in found for each in part.unused):
        click.echo(f"{printable(path)}: holds no manifest, and no manifest uses it", err=True)
    if approvals := [printable(path) for part in found for path in part.approvals]:
        more = f" and {count(len(approvals) - NAMED, 'more file')}" if len(approvals) > NAMED else ""
        words = "an approval may be used up; `shjobs plan` says what each hash releases now, if anything"
        click.echo(f"{', '.join(approvals[:NAMED])}{more}: {words}", err=True)
    files, jobs = sum(each.files for each in found), sum(each.jobs for each in found)
    parts = (count(files, "file"), f"{count(jobs, 'job')} accepted", count(errors, "error"), count(warnings, "warning"))
    click.echo(", ".join(parts), err=err)
