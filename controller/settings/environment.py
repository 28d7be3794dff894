"""The SHJOBS_… variables and the secrets: what overrides the table of shjobs.toml, and what never belongs in it.

`settings_from` calls these before the model sees the table. Pure: the variables and the file reader are passed in.
No message repeats a value, since it may be the secret.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_snake

from controller.settings.file import LISTS, NUMBERS, SWITCHES, TABLES, Written, keys_of
from controller.settings.git import GIT_SECRETS
from controller.settings.sinks import SINK_SECRETS, sinks_in
from controller.settings.suggestions import did_you_mean

_PREFIX = "SHJOBS_"
OPERATOR = "SHJOBS_OPERATOR"
"""Who is asking, for the record; no setting of the controller."""
COMMENT_TOKEN = "SHJOBS_COMMENT_TOKEN"
"""The token with which `plan --comment` writes into a pull request; no setting of the controller either."""
# Kubernetes sets variables for its services in every container; one named shjobs-… creates these.
_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Every secret that was given, and one sentence for each that could not be read."""

    found: Mapping[str, str] = field(repr=False)
    """By the key they belong to, such as `clientSecret` or `credentials.my-bucket.accessKey`."""
    absent: tuple[str, ...]
    """Named but missing: no error until something must be sent."""
    reasons: tuple[str, ...]
    """The errors of the others."""
    files: tuple[Path, ...] = ()
    """The files that were read, or would have been."""


def given_in(environment: Mapping[str, str]) -> dict[str, str]:
    """Our variables; an empty one counts as not set."""
    return {name: value for name, value in environment.items() if name.startswith(_PREFIX) and value}


def variable_of(key: str) -> str:
    """`maxRunning` → `SHJOBS_MAX_RUNNING`; `credentials.my-bucket.accessKey` → `SHJOBS_CREDENTIALS_MY_BUCKET_…`."""
    return _PREFIX + to_snake(key.replace(".", "_").replace("-", "_")).upper()


def overrule(table: dict[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Put the variables of plain settings into the table; returns key → variable for the messages."""
    overruled = {key: variable for key, variable in _plain_variables().items() if variable in given}
    for key, variable in overruled.items():
        table[key] = _value(key, given[variable])
    if overruled.keys() & {"clientId", "clientIdFile"}:
        for key in {"clientId", "clientIdFile"} - overruled.keys():
            table.pop(key, None)
    return overruled


def unknown_variables(table: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
    """Variables that nothing reads: a misspelt budget must not pass for a set one."""
    known = {OPERATOR, COMMENT_TOKEN, *_plain_variables().values(), *(variable_of(key) for key in secret_files(table))}
    for variable in given:
        if variable not in known and not _KUBERNETES.search(variable):
            yield f"{variable}: unknown variable{did_you_mean(variable, known)}"


def credentials_in(table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The credentials that are tables; the model reports anything else."""
    written = table.get("credentials")
    return {name: each for name, each in written.items() if isinstance(each, dict)} if isinstance(written, dict) else {}


def secret_files(table: Mapping[str, Any]) -> dict[str, Any]:
    """The key of every possible secret, with the file that the table names for it (or None)."""
    files = {"clientSecret": table.get("clientSecretFile"), "pageToken": table.get("pageTokenFile")}
    if "clientIdFile" in table:
        files["clientId"] = table["clientIdFile"]
    for name, credential in credentials_in(table).items():
        for key in ("accessKey", "secretAccessKey"):
            files[f"credentials.{name}.{key}"] = credential.get(f"{key}File")
    if isinstance(git := table.get("git"), dict):
        files |= {f"git.{key}": git.get(f"{key}File") for key in GIT_SECRETS}
    for name, sink in sinks_in(table).items():
        files |= {f"notify.{name}.{key}": sink.get(f"{key}File") for key in SINK_SECRETS}
    return files


def secrets_of(table: Mapping[str, Any], given: Mapping[str, str], base: Path, read: Callable[[Path], str]) -> Secrets:
    """Every secret from its variable, else from its file, relative to `base`."""
    found: dict[str, str] = {}
    absent: list[str] = []
    reasons: list[str] = []
    files: list[Path] = []
    for key, file in secret_files(table).items():
        text = given.get(variable_of(key), "").strip()
        if not text and isinstance(file, str) and file and "\0" not in file:
            files.append(base / file)
            try:
                text = read(base / file).strip()
            except FileNotFoundError:
                pass
            except OSError as error:
                reasons.append(f"{key}File: the file cannot be read: {error.strerror}")
            except ValueError:
                reasons.append(f"{key}File: the file is not text")
            if not text:
                words = f"the file named by {key}File is missing or empty; write it or set {variable_of(key)}"
                absent.append(f"{key}: {words}")
        is_list = key.startswith("notify.") and key.endswith(".url")
        if not text.isprintable() and not (is_list and text.replace("\n", "").replace("\r", "").isprintable()):
            reasons.append(f"{key}: must be one line of plain text")
        if text:
            found[key] = text
    return Secrets(found=found, absent=tuple(absent), reasons=tuple(reasons), files=tuple(files))


def misplaced_secrets(table: dict[str, Any]) -> Iterator[str]:
    """Secrets written into the file itself; they are removed from the table so that nothing else sees them."""
    secrets = [(table, "", "clientSecret"), (table, "", "pageToken")]
    secrets += [(each, f"credentials.{name}.", "accessKey") for name, each in credentials_in(table).items()]
    secrets += [(each, f"credentials.{name}.", "secretAccessKey") for name, each in credentials_in(table).items()]
    if isinstance(git := table.get("git"), dict):
        secrets += [(git, "git.", key) for key in GIT_SECRETS]
    secrets += [(each, f"notify.{name}.", key) for name, each in sinks_in(table).items() for key in ("secret", "token")]
    for holder, prefix, key in secrets:
        if key in holder:
            del holder[key]
            variable = variable_of(prefix + key)
            yield f'{prefix}{key}: no secret belongs in this file; write {key}File = "<file>" or set {variable}'


def _plain_variables() -> dict[str, str]:
    """Key → variable of every setting that is not a table."""
    return {key: variable_of(key) for key in keys_of(Written) if key not in TABLES}


def _value(key: str, text: str) -> bool | int | float | str | list[str]:
    """The text of a variable converted to its setting's type; the model reports it when that fails."""
    if key in SWITCHES:
        return {"true": True, "false": False}.get(text.lower(), text)
    if key in LISTS:
        return [word.strip() for word in text.split(",") if word.strip()]
    for kind in (int, float) if key in NUMBERS else ():
        with suppress(ValueError):
            return kind(text)
    return text
