"""Every setting with its value and where it comes from: for `config show`, which must never show a secret.

Pure. The settings were read and validated before; the same table is read again to see what set each key.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel, to_snake

from controller.settings.environment import given_in, overrule, secret_files, variable_of
from controller.settings.file import Policy, Written
from controller.settings.git import GIT_SECRETS
from controller.settings.settings import Settings
from controller.settings.sinks import SINK_SECRETS

MASK = "***"
_PROFILED = {"baseUrl": "base_url", "apiPath": "api_path", "tokenUrl": "token_url"}
"""Settings whose default is the deployment's."""
_DISTINGUISHED = frozenset(
    {"client_id", "client_id_file", "client_secret_file", "page_token_file", "credentials", "git", "notify"}
)  # fmt: skip
"""Shown separately: the files as the secrets that they hold."""
_SINGLE = {"clientSecret": "client_secret", "pageToken": "page_token"}


class Origin(StrEnum):
    """Where a setting comes from."""

    DEFAULT = "default"
    FILE = "file"
    VARIABLE = "variable"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One setting. `value` is plain, None when there is none, `***` for a secret; `place` names its origin."""

    key: str
    value: Any
    origin: Origin = Origin.DEFAULT
    place: str = ""


def effective_settings(settings: Settings, text: str, environment: Mapping[str, str]) -> list[Shown]:
    """Every setting, then the credentials. `text` is the TOML the settings were read from."""
    table, given = tomllib.loads(text), given_in(environment)
    overruled = overrule(table, given)
    written = Written.model_validate(table)
    secrets = {each.key: each for each in _secrets(settings, table, given)}
    own = [name for name in Written.model_fields if name not in Policy.model_fields]
    return [
        *(_plain(settings, written, name, table, overruled) for name in own if name not in _DISTINGUISHED),
        secrets.get("clientId") or _plain(settings, written, "client_id", table, overruled),
        secrets["clientSecret"],
        secrets["pageToken"],
        *(_plain(settings, written, name, table, overruled) for name in Policy.model_fields),
        *(each for name in written.credentials for each in _credential(settings, written, name, secrets)),
        *(_table(settings, "git", written.git) if written.git else ()),
        *(each for name, sink in written.notify.items() for each in _table(settings, f"notify.{name}", sink)),
        *(each for key, each in secrets.items() if key.startswith(("git.", "notify.")) and each.value is not None),
    ]


def _plain(
    settings: Settings, written: Written, name: str, table: Mapping[str, Any], overruled: Mapping[str, str]
) -> Shown:  # fmt: skip
    key, value = to_camel(name), getattr(written, name)
    if key in _PROFILED:
        value = getattr(settings.deployment, _PROFILED[key])
    elif name in ("jobs", "state", "status_dir") and value is not None:
        value = str(getattr(settings, name))
    if key in overruled:
        return Shown(key=key, value=value, origin=Origin.VARIABLE, place=overruled[key])
    if key in table:
        return Shown(key=key, value=value, origin=Origin.FILE, place=settings.file)
    if key in _PROFILED:
        return Shown(key=key, value=value, origin=Origin.PROFILE, place=settings.deployment.name)
    return Shown(key=key, value=value)


def _table(settings: Settings, place: str, written: BaseModel) -> Iterator[Shown]:
    """A table's settings; the files of secrets are shown as the secrets that they hold."""
    for name, value in written:
        key = f"{place}.{to_camel(name)}"
        is_secret = any(key == f"{place}.{secret}File" for secret in (*GIT_SECRETS, *SINK_SECRETS))
        if is_secret or (value is None and name not in written.model_fields_set):
            continue
        if name in written.model_fields_set:
            yield Shown(key=key, value=value, origin=Origin.FILE, place=settings.file)
        else:
            yield Shown(key=key, value=value)


def _secrets(settings: Settings, table: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[Shown]:
    """Every possible secret, masked; the id of the OAuth client is not a secret."""
    for key, file in secret_files(table).items():
        value = settings.client_id if key == "clientId" else MASK if _is_there(settings, key) else None
        if variable_of(key) in given:
            yield Shown(key=key, value=value, origin=Origin.VARIABLE, place=variable_of(key))
        elif file is not None:
            yield Shown(key=key, value=value, origin=Origin.FILE, place=str(file))
        else:
            yield Shown(key=key, value=value)


def _is_there(settings: Settings, key: str) -> bool:
    if key in _SINGLE:
        return getattr(settings, _SINGLE[key]) is not None
    table, *names, field = key.split(".")
    if table == "git":
        return getattr(settings.git, to_snake(field)) is not None
    if table == "notify":
        sink = next(each for each in settings.sinks if each.name == names[0])
        return bool(sink.urls if field == "url" else getattr(sink, field))
    credential = settings.credentials[names[0]]
    return getattr(credential, to_snake(field)) is not None


def _credential(
    settings: Settings, written: Written, name: str, secrets: Mapping[str, Shown]
) -> Iterator[Shown]:  # fmt: skip
    """A credential's own settings, and those it takes from the deployment."""
    credential, file = settings.credentials[name], written.credentials[name]
    place, profile = f"credentials.{name}", settings.deployment.name

    def given(key: str, value: Any) -> Shown:
        return Shown(key=f"{place}.{key}", value=value, origin=Origin.FILE, place=settings.file)

    yield given("prefixes", list(credential.prefixes))
    if credential.folder is not None:
        yield given("folder", str(credential.folder))
    else:
        region = credential.region or settings.deployment.region
        for key, own, other in (
            ("endpoint", credential.endpoint, settings.deployment.endpoint_of(region)),
            ("region", credential.region, region),
        ):
            inherited = Shown(key=f"{place}.{key}", value=other, origin=Origin.PROFILE, place=profile)
            yield given(key, own) if own else inherited
        chain = Shown(key=f"{place}.defaultChain", value=credential.default_chain)
        yield given("defaultChain", file.default_chain) if "default_chain" in file.model_fields_set else chain
    yield secrets[f"{place}.accessKey"]
    yield secrets[f"{place}.secretAccessKey"]
