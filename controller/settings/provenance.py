"""Every setting with its value and where it comes from: for `config show`, which must never show a secret.

Pure. The settings were read and validated before; the same table is read again to see what set each key.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic.alias_generators import to_camel

from controller.settings.environment import given_in, overrule, secret_files, variable_of
from controller.settings.file import Policy, Written
from controller.settings.settings import Settings

MASK = "***"
_PROFILED = {"baseUrl": "base_url", "apiPath": "api_path", "tokenUrl": "token_url"}
"""Settings whose default is the deployment's."""
_DISTINGUISHED = frozenset({"client_id", "client_id_file", "client_secret_file", "page_token_file", "credentials"})
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
        return Shown(key=key, value=value, origin=Origin.FILE, place=settings.source)
    if key in _PROFILED:
        return Shown(key=key, value=value, origin=Origin.PROFILE, place=settings.deployment.name)
    return Shown(key=key, value=value)


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
    _, name, field = key.split(".")
    credential = settings.credentials[name]
    return (credential.access_key if field == "accessKey" else credential.secret_access_key) is not None


def _credential(
    settings: Settings, written: Written, name: str, secrets: Mapping[str, Shown]
) -> Iterator[Shown]:  # fmt: skip
    """A credential's own settings, and those it takes from the deployment."""
    credential, file = settings.credentials[name], written.credentials[name]
    place, profile = f"credentials.{name}", settings.deployment.name

    def given(key: str, value: Any) -> Shown:
        return Shown(key=f"{place}.{key}", value=value, origin=Origin.FILE, place=settings.source)

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
