"""What one scan of the tree found, as the tree passes it to the loop and the watcher."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from controller.manifest.approval import Approval
from controller.model.errors import Problem
from controller.model.files import FileRecord
from controller.model.job import Job

Body = Callable[[], str]
"""The body of a request as JSON, made when it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a scan found: jobs with their new bodies (None: unchanged), paths whose status may differ, files to note.

    `problems` belong to no manifest: folders that could not be read, names that are not UTF-8. `foreign` files turned
    out to be no manifests. `modified` are status files that differ from what was written; `links` and `folders` are
    for the watcher.
    `moved`: files changed; a file that is only read again because its script was examined meanwhile, or because of the
    date, does not count.
    `undecided` files wait for such an examination.
    `commit` was checked out before the scan began; "" outside of git, and while git cannot compare new jobs with it.
    `approvals` are all that count now, by hash; `unapproved` says in sentences which do not.
    """

    jobs: tuple[tuple[Job, Body | None], ...] = ()
    paths: frozenset[str] = frozenset()
    gone: tuple[str, ...] = ()
    clean: tuple[FileRecord, ...] = ()
    unclean: tuple[FileRecord, ...] = ()
    problems: tuple[Problem, ...] = ()
    foreign: tuple[str, ...] = ()
    ready: bool = True
    reason: str = ""
    modified: frozenset[str] = frozenset()
    links: tuple[str, ...] = ()
    folders: int = 0
    moved: bool = False
    undecided: int = 0
    commit: str = ""
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    unapproved: tuple[str, ...] = ()
