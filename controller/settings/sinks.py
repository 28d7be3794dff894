"""`[notify.<name>]` of shjobs.toml: who hears of what, and how (DESIGN §16).

`WrittenSink` is what the user writes, `Sink` the same with secrets read. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr

from controller.model.notices.event import Topic
from controller.model.timing import seconds_of
from controller.settings.values import FROZEN, FilePath, ServiceUrl, TimeBetween

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_REPOSITORY = r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+$"


class SinkKind(StrEnum):
    """How a sink is reached."""

    WEBHOOK = "webhook"
    APPRISE = "apprise"
    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


HOSTS = frozenset({SinkKind.GITHUB, SinkKind.GITLAB, SinkKind.GITEA})
"""Sinks that take the status of a commit, and no events."""
_DEFAULT_URLS = {SinkKind.GITHUB: "https://api.github.com", SinkKind.GITLAB: "https://gitlab.com/api/v4"}
SINK_SECRETS = ("url", "secret", "token")
"""The secrets a sink may have: `notify.<name>.url` and so on, each in the file named by `<key>File`."""
_EVENTS = Literal["failed", "unknown", "unconfirmed", "held", "succeeded", "set.complete", "budget", "service"]


class WrittenSink(BaseModel):
    """`[notify.<name>]` as the user writes it."""

    model_config = FROZEN

    type: Literal["webhook", "apprise", "github", "gitlab", "gitea"] = Field(
        description="`webhook` (CloudEvents), `apprise` (Slack, Teams, Discord, mail and more), or the status of "
        "commits at `github`, `gitlab` or `gitea`."
    )
    url: ServiceUrl | None = Field(
        None, description="Address of the webhook, or of the API of your own GitHub, GitLab or Gitea."
    )
    url_file: FilePath | None = Field(
        None, description="File that holds the address: a webhook's may be a secret, those of apprise are (one a line)."
    )
    secret_file: FilePath | None = Field(None, description="File that holds the key for a webhook's `X-Signature`.")
    token_file: FilePath | None = Field(None, description="File that holds the token for the status of commits.")
    repository: str | None = Field(
        None, pattern=_REPOSITORY, max_length=255, description="`owner/name` at GitHub, GitLab or Gitea."
    )
    events: list[_EVENTS] = Field(default_factory=list, description="What to send; unset: everything.")
    labels: list[str] = Field(
        default_factory=list, description="Only jobs with one of these labels, each `name` or `name=value`."
    )
    sets: list[str] = Field(default_factory=list, description="Only cells of these sets.")
    digest: TimeBetween = Field("5m", description="How long successes are collected for one message.")
    page: ServiceUrl | None = Field(None, description="Address of the page, for links; a proxy's with its basePath.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """One receiver. `digest` is in seconds; what is empty in `events`, `labels` or `sets` selects everything."""

    name: str
    kind: SinkKind
    urls: tuple[SecretStr, ...] = ()
    secret: SecretStr | None = None
    token: SecretStr | None = None
    repository: str = ""
    events: frozenset[Topic] = frozenset()
    labels: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    digest: float = 300.0
    page: str = ""

    def without_secrets(self) -> "Sink":
        return replace(self, urls=(), secret=None, token=None)


def has_hosts(sinks: Iterable[Sink]) -> bool:
    """Whether one of them takes the status of commits."""
    return any(sink.kind in HOSTS for sink in sinks)


def sinks_in(table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The sinks that are tables; the model reports anything else."""
    written = table.get("notify")
    return {name: each for name, each in written.items() if isinstance(each, dict)} if isinstance(written, dict) else {}


def contradictions_of_sinks(table: Mapping[str, Any]) -> Iterator[str]:
    """Errors that involve more than one key of a sink."""
    for name, sink in sinks_in(table).items():
        if not _NAME.fullmatch(name):
            yield f"notify.{name}: a name is made of lowercase letters, digits and '-', at most 63"
        yield from (f"notify.{name}.{reason}" for reason in _contradictions(sink))


def _contradictions(sink: Mapping[str, Any]) -> Iterator[str]:
    kind = sink.get("type")
    if kind == "webhook" and ("url" in sink) == ("urlFile" in sink):
        yield "url: a webhook needs either url or urlFile"
    if kind == "apprise" and "urlFile" not in sink:
        yield "urlFile: is missing; the addresses of apprise hold secrets, so they stand in a file"
    if kind == "apprise" and "url" in sink:
        yield "url: the addresses of apprise hold secrets; write them to a file, and name it in urlFile"
    if kind != "webhook" and "secretFile" in sink:
        yield "secretFile: is only for a webhook"
    if kind in HOSTS:
        yield from (f"{key}: is missing" for key in ("repository", "tokenFile") if key not in sink)
        yield from (
            f"{key}: is for messages; a commit has one status for all its jobs"
            for key in ("events", "labels", "sets", "digest", "urlFile")
            if key in sink
        )
        if kind == "gitea" and "url" not in sink:
            yield "url: is missing; write the API of your Gitea, such as https://gitea.example/api/v1"
    else:
        yield from (f"{key}: is only for the status of commits" for key in ("repository", "tokenFile") if key in sink)


def settled_sinks(written: Mapping[str, WrittenSink], secrets: Mapping[str, str]) -> tuple[Sink, ...]:
    """Every sink in the order of the file. `secrets` are all that were found, by key."""
    return tuple(_settled(name, each, secrets) for name, each in written.items())


def _settled(name: str, written: WrittenSink, secrets: Mapping[str, str]) -> Sink:
    kind = SinkKind(written.type)
    url, secret, token = (secrets.get(f"notify.{name}.{key}") for key in SINK_SECRETS)
    urls = [line.strip() for line in (url or written.url or _DEFAULT_URLS.get(kind, "")).splitlines()]
    return Sink(
        name=name,
        kind=kind,
        urls=tuple(SecretStr(each) for each in urls if each and not each.startswith("#")),
        secret=SecretStr(secret) if secret else None,
        token=SecretStr(token) if token else None,
        repository=written.repository or "",
        events=frozenset(map(Topic, written.events)),
        labels=tuple(written.labels),
        sets=tuple(written.sets),
        digest=seconds_of(written.digest),
        page=written.page or "",
    )
