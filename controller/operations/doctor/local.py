"""Checks what a controller depends on here, one finding after the other: for `shjobs doctor`. Nothing is written."""

import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from controller import __version__
from controller.ledger.ledger import Ledger
from controller.ledger.location import FILE_NAME, OWNER, is_there, read_only, refuse_network_file_system
from controller.ledger.lock import holder
from controller.ledger.store import Store
from controller.model.clock import Clock
from controller.model.errors import StateError
from controller.model.skew import doubt
from controller.operations.doctor.findings import Diagnosis, committed_only, fail, ok, python, space, warn
from controller.operations.doctor.source import source_diagnoses
from controller.settings.settings import Settings
from controller.source.reach import unreachable
from controller.tree.files import SUFFIXES, Known
from controller.tree.git.command import version
from controller.tree.git.info import author, checkout
from controller.tree.walk import Walk


def local_diagnoses(settings: Settings, *, has_file: bool) -> Iterator[Diagnosis]:
    """What can be checked without the service; `has_file`: there is a settings file. The repository is asked once."""
    yield from _versions()
    yield from _settings(settings, has_file)
    yield from _state(settings)
    if settings.git:
        yield from source_diagnoses(settings.git, unreachable)
    yield from _tree(settings)


def _versions() -> Iterator[Diagnosis]:
    answered = f"shjobs {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    major, minor, _ = platform.python_version_tuple()
    git = version()
    yield python((int(major), int(minor)), f"{answered}, {git}" if git else answered)
    if not git:
        yield warn("git", "there is no git here", "install it: approvals, revisions and `plan --against` need it")


def _settings(settings: Settings, has_file: bool) -> Iterator[Diagnosis]:
    if has_file:
        yield ok("settings", f"{settings.file}, deployment {settings.deployment.name}")
    else:
        advice = "`shjobs init` makes one, --config names another"
        yield warn("settings", f"there is no {settings.file}: only defaults and variables are in force", advice)
    for sentence in settings.absent:
        name, _, words = sentence.partition(": ")
        yield warn(name, "is set but does not exist", words)


def _state(settings: Settings) -> Iterator[Diagnosis]:
    folder, here = settings.state, _nearest(settings.state)
    try:
        refuse_network_file_system(folder)
    except StateError as error:
        yield fail("state", str(error), "name a folder on a local disk with `state` in the settings")
        return
    if folder.is_symlink() and not folder.exists():
        yield fail("state", f"{folder} is a broken link", "fix it, or name another folder with `state`")
        return
    if not os.access(here, os.W_OK | os.X_OK) or not here.is_dir():
        yield fail("state", f"{here} cannot be written", "name another folder with `state`, or make it writable")
        if here == folder.absolute():
            yield _ledger(settings)
        return
    if full := space(shutil.disk_usage(here).free, str(here)):
        yield full
    held = holder(folder)
    yield ok("state", f"{folder} is on a local disk{f', in use by {held}' if held else ' and can be written'}")
    yield _ledger(settings)


def _ledger(settings: Settings) -> Diagnosis:
    path = settings.state / FILE_NAME
    advice = "move it away: what was paid for is found again in the buckets; or restore it from a copy"
    try:
        if not is_there(settings.state):
            return ok("ledger", f"{path} does not exist yet: the buckets show what was paid for")
        with Store.copy_of(settings.state) as store:
            bound = [store.fact(key) for key in ("deployment", "account")]
            newest = Ledger(store).newest_moment
        with closing(read_only(path)) as file:
            reason = file.execute("pragma quick_check(1)").fetchone()[0]
    except StateError as error:
        return fail("ledger", str(error), OWNER if isinstance(error.__cause__, PermissionError) else advice)
    except sqlite3.Error as error:
        return fail("ledger", f"{path} cannot be read: {error}", advice)
    if reason != "ok":
        return fail("ledger", f"{path} is damaged: {reason}", advice)
    for known, wanted in zip(bound, (settings.deployment.name, settings.client_id), strict=True):
        if known and wanted and known != wanted:
            words = f"{path} belongs to {known!r}, the settings name {wanted!r}"
            return fail("ledger", words, "use the former, or another state directory")
    if words := doubt(Clock().now(), newest, None):
        return fail("ledger", words, "until the service confirms the clock, nothing is paid for")
    return ok("ledger", f"{path} is whole")


def _tree(settings: Settings) -> Iterator[Diagnosis]:
    walk = Walk(settings.jobs, Known())
    if reason := walk.run():
        advice = "write a manifest there (`shjobs init` makes one), or name the folder with `jobs`"
        yield fail("tree", reason, "`shjobs run` and `shjobs sync` fetch it" if settings.git else advice)
        return
    yield ok("tree", f"{settings.jobs} can be read; manifest files: {len(walk.suspects):,}, folders: {walk.folders:,}")
    for problem in (*walk.problems, *walk.astray):
        yield warn("tree", f"{problem.path} {problem.message}", "what is below it is not seen")
    yield _status_files(settings)
    yield _git(settings.jobs, walk)
    if settings.source == "committed":
        yield committed_only(checkout(settings.jobs))
    yield _watching(settings, walk)


def _status_files(settings: Settings) -> Diagnosis:
    where = settings.status_dir or settings.jobs
    if os.access(_nearest(where), os.W_OK | os.X_OK):
        return ok("status files", f"can be written below {where}")
    return fail("status files", f"cannot be written below {where}", "name another folder with `statusDir`")


def _git(jobs: Path, walk: Walk) -> Diagnosis:
    found = checkout(jobs)
    if found is None:
        return ok("revision", f"{jobs} is in no git repository with a commit: no revisions are recorded")
    where = f"{found.commit[:12]} on {found.branch}" if found.branch else f"{found.commit[:12]}, detached"
    by = author(jobs)
    held = {path for path in found.held or () if path.endswith((*SUFFIXES, ".js")) and ".status." not in path}
    differing = found.differing(walk.suspects | held)
    if found.held is None:
        advice = "install the git program, and see with `git fsck` whether the repository is whole"
        return warn("revision", f"{where}; git cannot list its files: no approval counts, revisions are -dirty", advice)
    changed = f"; files that differ: {len(differing):,}" if differing else "; clean"
    return ok("revision", f"{where}{f', by {by}' if by else ''}{changed}")


def _watching(settings: Settings, walk: Walk) -> Diagnosis:
    """Tried out for real: the kernel's limits apply to all processes together, so the numbers alone prove nothing."""
    from controller.tree.watching.watcher import Watcher

    if not settings.watch:
        return ok("watching", f"is switched off: `run` sees changes every {settings.timing.scan_every:.0f} s")
    watcher = Watcher(settings.jobs, lambda: None)
    try:
        problem = watcher.look_after(walk.links, walk.folders, patience=None)
    finally:
        watcher.stop()
    if problem:
        advice = "raise fs.inotify.max_user_watches or max_user_instances (sysctl), or leave it to the scans"
        return warn("watching", problem, advice)
    return ok("watching", "changes are noticed at once")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest existing one above it."""
    here = folder.absolute()
    while not _may_be_seen(here) and here != here.parent:
        here = here.parent
    return here


def _may_be_seen(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
