"""The three APIs: how each is addressed, what it takes, and what its answers mean, by their references of 2026.

GitHub: descriptions of 140 characters, 1 000 statuses of a commit and context, 422 for an unknown commit. GitLab: 255
characters, also for the link, and 400 for a state that the status has already; so its description cannot follow
progress. Gitea resembles GitHub, but answers 404 or 500 for an unknown commit.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import SecretStr

from controller.model.errors import truncate
from controller.notify.hosts.client import HostClient, HostResponse
from controller.notify.hosts.commit_state import CommitState
from controller.settings.sinks import SinkKind

PER_PAGE = 30
_UNKNOWN_COMMIT = ("no commit found", "commit not found", "references for commit not found", "object does not exist")


class SendResult(StrEnum):
    """What became of a status that was sent."""

    DONE = "done"
    LATER = "later"
    """It may be taken later."""
    UNPUSHED = "unpushed"
    """The host does not have the commit: it is taken once the commit is pushed."""
    DENIED = "denied"
    """The host refuses us, whatever the commit: an operator has to do something."""
    USELESS = "useless"
    """It will never be taken for this commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A result with the reason; `pause`: seconds that the host asks us to wait. `is_reached`: there was an answer."""

    result: SendResult
    message: str = ""
    pause: float | None = None
    is_reached: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedComment:
    """A comment on a pull request, as the host has it."""

    id: str
    body: str


class Host(ABC):
    """One host, as far as we use it."""

    longest_description: ClassVar[int]
    longest_comment: ClassVar[int]
    longest_link = 2000
    shows_progress: ClassVar[bool] = True
    """Whether a status takes another description for the state that it has."""

    def __init__(self, base: str, token: SecretStr, repository: str, authorities: str | None = None) -> None:
        """`base` is the address of the API, `repository` its `owner/name`, at GitLab also the number of a project."""
        self.repository = repository
        self._client = HostClient(base, self._headers(token.get_secret_value()), token, authorities)

    def close(self) -> None:
        """Close the connection; a later call opens another."""
        self._client.close()

    def send(
        self, commit: str, context: str, state: CommitState, description: str, link: str, now: datetime
    ) -> Sending:  # fmt: skip
        """Set the status of a commit: `context` names it among those of others, `link` is where it leads to."""
        fields = {
            **self._names(context),
            "state": self.states[state],
            "description": truncate(description, self.longest_description),
            **({"target_url": link} if link and len(link) <= self.longest_link else {}),
        }
        answer = self._client.call("POST", f"{self._project()}/statuses/{commit}", fields)
        if isinstance(answer, str):
            return Sending(result=SendResult.LATER, message=answer, is_reached=False)
        return self._meaning(answer, now)

    def problem(self) -> str:
        """Why the repository cannot be read with this token; "" when it can."""
        answer = self._client.call("GET", self._project())
        if isinstance(answer, str):
            return answer
        return "" if answer.is_done else _said(answer)

    def comments(self, number: int, page: int) -> tuple[list[PostedComment], bool] | str:
        """One page of the comments of a pull request, oldest first, and whether more follow; or what went wrong."""
        answer = self._client.call("GET", f"{self._thread(number)}?{self._paging(page)}")
        if isinstance(answer, str):
            return answer
        if not answer.is_done or not isinstance(answer.content, list):
            return _said(answer)
        found = [each for each in answer.content if isinstance(each, dict) and not each.get("system")]
        return [PostedComment(id=_number(each), body=str(each.get("body") or "")) for each in found], answer.has_more

    def add_comment(self, number: int, body: str) -> str:
        """Add a comment to a pull request; returns what went wrong, "" when nothing did."""
        answer = self._client.call("POST", self._thread(number), {"body": body})
        return answer if isinstance(answer, str) else "" if answer.is_done else _said(answer)

    def edit_comment(self, number: int, comment: str, body: str) -> str | None:
        """Replace a comment; None: it may not be edited with this token, or is gone."""
        method, path = self._edit(number, comment)
        answer = self._client.call(method, path, {"body": body})
        if isinstance(answer, str):
            return answer
        if answer.status in (403, 404) and not answer.is_limited:
            return None
        return "" if answer.is_done else _said(answer)

    states: ClassVar[Mapping[CommitState, str]]

    @abstractmethod
    def _headers(self, token: str) -> Mapping[str, str]: ...

    @abstractmethod
    def _project(self) -> str: ...

    @abstractmethod
    def _names(self, context: str) -> Mapping[str, str]: ...

    @abstractmethod
    def _thread(self, number: int) -> str: ...

    @abstractmethod
    def _edit(self, number: int, comment: str) -> tuple[str, str]: ...

    def _paging(self, page: int) -> str:
        return f"per_page={PER_PAGE}&page={page}"

    def _meaning(self, answer: HostResponse, now: datetime) -> Sending:
        if answer.is_done:
            return Sending(result=SendResult.DONE)
        pause, message = answer.pause(now), _said(answer)
        if answer.is_limited:
            return Sending(result=SendResult.LATER, message=message, pause=pause or 60.0)
        if any(words in answer.message.lower() for words in _UNKNOWN_COMMIT):
            return Sending(result=SendResult.UNPUSHED, message=f"{message}: it has no such commit yet")
        if answer.status in (401, 403, 404) or 300 <= answer.status < 400:
            return Sending(result=SendResult.DENIED, message=f"{message}: see tokenFile, repository and url")
        if answer.status in (408, 425) or answer.status >= 500 or answer.status < 300:
            return Sending(result=SendResult.LATER, message=message, pause=pause)
        return Sending(result=SendResult.USELESS, message=message)


class GitHub(Host):
    """GitHub, also an Enterprise Server at `https://<host>/api/v3`."""

    longest_description, longest_comment = 140, 65_536
    states: ClassVar[Mapping[CommitState, str]] = {
        CommitState.PENDING: "pending",
        CommitState.RUNNING: "pending",
        CommitState.SUCCESS: "success",
        CommitState.FAILURE: "failure",
    }

    def _headers(self, token: str) -> Mapping[str, str]:
        version = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return {**version, "Authorization": f"Bearer {token}"}

    def _project(self) -> str:
        return f"/repos/{quote(self.repository)}"

    def _names(self, context: str) -> Mapping[str, str]:
        return {"context": context}

    def _thread(self, number: int) -> str:
        return f"{self._project()}/issues/{number}/comments"

    def _edit(self, number: int, comment: str) -> tuple[str, str]:  # noqa: ARG002
        return "PATCH", f"{self._project()}/issues/comments/{comment}"


class Gitea(GitHub):
    """Gitea and Forgejo, at `https://<host>/api/v1`."""

    longest_description = 255

    def _headers(self, token: str) -> Mapping[str, str]:
        return {"Authorization": f"token {token}"}

    def _paging(self, page: int) -> str:
        return f"limit={PER_PAGE}&page={page}"


class GitLab(Host):
    """GitLab, at `https://<host>/api/v4`."""

    longest_description, longest_comment, longest_link = 255, 1_000_000, 255
    shows_progress = False
    states: ClassVar[Mapping[CommitState, str]] = {
        CommitState.PENDING: "pending",
        CommitState.RUNNING: "running",
        CommitState.SUCCESS: "success",
        CommitState.FAILURE: "failed",
    }

    def _headers(self, token: str) -> Mapping[str, str]:
        return {"PRIVATE-TOKEN": token}

    def _project(self) -> str:
        return f"/projects/{quote(self.repository, safe='')}"

    def _names(self, context: str) -> Mapping[str, str]:
        return {"name": context}

    def _thread(self, number: int) -> str:
        return f"{self._project()}/merge_requests/{number}/notes"

    def _edit(self, number: int, comment: str) -> tuple[str, str]:
        return "PUT", f"{self._thread(number)}/{comment}"

    def _paging(self, page: int) -> str:
        return f"per_page={PER_PAGE}&page={page}&sort=asc&order_by=created_at"

    def _meaning(self, answer: HostResponse, now: datetime) -> Sending:
        if answer.status == 400 and "cannot transition status" in answer.message.lower():
            return Sending(result=SendResult.DONE)  # it has this state already
        return super()._meaning(answer, now)


KINDS: Mapping[SinkKind, type[Host]] = {
    SinkKind.GITHUB: GitHub,
    SinkKind.GITLAB: GitLab,
    SinkKind.GITEA: Gitea,
}


def _said(answer: HostResponse) -> str:
    return f"it answered {answer.status}: {answer.message}"


def _number(comment: Mapping[str, Any]) -> str:
    found = comment.get("id")
    return str(found) if isinstance(found, int) else ""
