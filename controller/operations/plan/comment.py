"""Writes a plan into the pull request of a CI run: `shjobs plan --comment`."""

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from controller.model.errors import UsageError
from controller.notify.hosts.comment import write_comment
from controller.notify.hosts.hosts import KINDS
from controller.notify.hosts.pull_request import EVENT, LARGEST_EVENT, pull_request_of
from controller.settings.settings import Settings
from controller.settings.sinks import SinkKind


def comment_plan(settings: Settings, kind: SinkKind, environment: Mapping[str, str], text: str) -> tuple[bool, str]:
    """Whether the plan is in the pull request now, with a sentence that says where it is, or why it is not."""
    try:
        request = pull_request_of(kind, environment, _event(environment.get(EVENT, "")))
    except UsageError as error:
        return False, f"not commented: {error}"
    host = KINDS[kind](request.api, request.token, request.repository, settings.deployment.authorities)
    with closing(host):
        problem = write_comment(host, request.number, _folder(settings.jobs), text)
    where = f"{'merge' if kind is SinkKind.GITLAB else 'pull'} request {request.number}"
    return (False, f"not commented on {where}: {problem}") if problem else (True, f"commented on {where}")


def _event(path: str) -> str:
    """The text of the file with the event; "" when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return file.read(LARGEST_EVENT).decode(errors="replace") if path else ""
    except (OSError, ValueError):
        return ""


def _folder(jobs: Path) -> str:
    """The jobs folder, as seen from where the command runs: the same in every run of a workflow."""
    try:
        return Path(os.path.relpath(jobs)).as_posix()
    except (OSError, ValueError):
        return jobs.name
