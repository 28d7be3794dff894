"""The pull request that a CI run is for, from the variables of GitHub Actions, Gitea Actions and GitLab CI. Pure.

They are predefined by the three, but for the token, which a workflow has to hand over.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from controller.model.errors import UsageError, truncate
from controller.settings.deployments import is_loopback
from controller.settings.environment import COMMENT_TOKEN
from controller.settings.sinks import SinkKind

EVENT = "GITHUB_EVENT_PATH"
"""The variable that names the file with the event of the run."""
LARGEST_EVENT = 16 * 1024 * 1024  # bytes
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+")
_REF = re.compile(r"refs/pull/([1-9][0-9]{0,8})/\w+")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_TOKENS = {
    SinkKind.GITHUB: (COMMENT_TOKEN, "GITHUB_TOKEN"),
    SinkKind.GITLAB: (COMMENT_TOKEN, "GITLAB_TOKEN"),
    SinkKind.GITEA: (COMMENT_TOKEN, "GITEA_TOKEN", "GITHUB_TOKEN"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull or merge request; `api` is the base of its host's API, `repository` its path, at GitLab its number."""

    kind: SinkKind
    api: str
    repository: str
    number: int
    token: SecretStr


def ci_kind(written: str, environment: Mapping[str, str]) -> SinkKind:
    """The host that `--comment` names, or where this runs. Raises `UsageError` when neither says."""
    if written:
        return SinkKind(written)
    if environment.get("GITLAB_CI") or environment.get("CI_API_V4_URL"):
        return SinkKind.GITLAB
    if environment.get("GITEA_ACTIONS"):
        return SinkKind.GITEA
    if environment.get("GITHUB_ACTIONS") or environment.get("GITHUB_REPOSITORY"):
        return SinkKind.GITHUB
    raise UsageError(
        "--comment: this is no run of GitHub Actions, GitLab CI or Gitea Actions, so there is no pull request; "
        "leave it out, or run it there"
    )


def pull_request_of(kind: SinkKind, environment: Mapping[str, str], event: str) -> PullRequest:
    """The pull request of this run. `event` is the text of the file that `EVENT` names, "" without one.

    Raises `UsageError` when there is none, no token, or an address that a token must not be sent to.
    """
    is_gitlab = kind is SinkKind.GITLAB
    api, repository, number = _in_gitlab(environment) if is_gitlab else _in_actions(kind, environment, event)
    if not number:
        raise UsageError("this run is for no pull request")
    if not api or not repository:
        names = "CI_API_V4_URL and CI_PROJECT_ID" if is_gitlab else "GITHUB_API_URL and GITHUB_REPOSITORY"
        raise UsageError(f"{names} do not say where it is")
    if not api.startswith("https://") and not (api.startswith("http://") and is_loopback(api)):
        raise UsageError(f"the API must be reached with https, so no token is sent to {truncate(api, 100)}")
    token = next((environment[name] for name in _TOKENS[kind] if environment.get(name)), "").strip()
    if not token or not (token.isascii() and token.isprintable()):
        raise UsageError(f"there is no token: hand it over in {' or '.join(_TOKENS[kind])}")
    return PullRequest(kind=kind, api=api, repository=repository, number=number, token=SecretStr(token))


def _in_gitlab(environment: Mapping[str, str]) -> tuple[str, str, int]:
    """Base of the API, project and number; the request of a fork is in the project that it is made to."""
    project = environment.get("CI_MERGE_REQUEST_PROJECT_ID") or environment.get("CI_PROJECT_ID", "")
    written = environment.get("CI_MERGE_REQUEST_IID", "")
    number = int(written) if _NUMBER.fullmatch(written) else 0
    return environment.get("CI_API_V4_URL", ""), project if project.isdecimal() else "", number


def _in_actions(kind: SinkKind, environment: Mapping[str, str], event: str) -> tuple[str, str, int]:
    """The same at GitHub and Gitea."""
    api, server = environment.get("GITHUB_API_URL", ""), environment.get("GITHUB_SERVER_URL", "")
    if not api and kind is SinkKind.GITEA and server:
        api = f"{server.rstrip('/')}/api/v1"
    repository = environment.get("GITHUB_REPOSITORY", "")
    ref = _REF.fullmatch(environment.get("GITHUB_REF", ""))
    number = _number_in(event) or (int(ref[1]) if ref else 0)
    default = "https://api.github.com" if kind is SinkKind.GITHUB else ""
    return api or default, repository if _REPOSITORY.fullmatch(repository) else "", number


def _number_in(event: str) -> int:
    """The number of the pull request that an event is about; 0: it is about none."""
    try:
        content = json.loads(event or "{}")
    except (ValueError, RecursionError):
        return 0
    request = content.get("pull_request") if isinstance(content, dict) else None
    number = request.get("number") if isinstance(request, dict) else None
    return number if isinstance(number, int) and 0 < number < 10**9 else 0
