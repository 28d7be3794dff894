"""All settings as one frozen `Settings`, created once at the entry point and passed to every room.

Pure: `cli/settings` finds and reads the files. All errors are reported at once, and no message repeats a value, since
a value in the wrong place may be a secret. `file` holds the model, `environment` the variables.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import ConfigDict, InstanceOf, SecretStr, ValidationError

from controller.model.errors import SettingsError
from controller.model.timing import Timing, seconds_of
from controller.settings.deployments import DEPLOYMENTS, Credential, Deployment, is_loopback
from controller.settings.environment import (
    Secrets,
    credentials_in,
    given_in,
    misplaced_secrets,
    overrule,
    secret_files,
    secrets_of,
    unknown_variables,
    variable_of,
)
from controller.settings.file import Policy, Written, WrittenCredential, settings_message
from controller.settings.git import CURRENT, GitSource, contradictions_of_git, settled_git
from controller.settings.sinks import Sink, contradictions_of_sinks, settled_sinks

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
_CREDENTIAL_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Settings(Policy):
    """All settings, with paths resolved, secrets read and the deployment's profile applied."""

    model_config = ConfigDict(validate_by_name=True)

    file: str
    deployment: Deployment
    jobs: Path
    state: Path
    status_dir: Path | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    page_token: SecretStr | None = None
    """What readers of the page send, if it is asked of them."""
    credentials: Mapping[str, Credential]
    git: InstanceOf[GitSource] | None = None
    """Where the tree is fetched from; `jobs` is then the folder in the tree that is in force."""
    sinks: tuple[InstanceOf[Sink], ...] = ()
    timing: InstanceOf[Timing]
    absent: tuple[str, ...] = ()
    """Secrets that were named but not found, one sentence each: no error until something must be sent."""
    secret_files: tuple[Path, ...] = ()
    """The files that secrets are read from."""

    def without_secrets(self) -> Self:
        """The same for what only reads; the id of the OAuth client is left out, too."""
        keyless = {"access_key": None, "secret_access_key": None}
        credentials = {name: each.model_copy(update=keyless) for name, each in self.credentials.items()}
        none = dict.fromkeys(("client_id", "client_secret", "page_token"))
        git = self.git.without_secrets() if self.git else None
        sinks = tuple(each.without_secrets() for each in self.sinks)
        return self.model_copy(update={**none, "credentials": credentials, "git": git, "sinks": sinks})


def settings_from(
    text: str, *, source: str, environment: Mapping[str, str], base: Path, read: Callable[[Path], str]
) -> Settings:
    """The settings in TOML `text`, overridden by the SHJOBS_… variables; an empty variable counts as not set.

    Relative paths, also in the environment, are relative to `base`. `read` returns a file's text (OSError on failure).
    Raises `SettingsError` with all reasons.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError.one(source, f"is not TOML: {error}") from None
    given = given_in(environment)
    overruled = overrule(table, given)
    secrets = secrets_of(table, given, base, read)
    reasons = [*secrets.reasons, *misplaced_secrets(table), *unknown_variables(table, given), *_contradictions(table)]
    try:
        written = Written.model_validate(table)
    except ValidationError as error:
        reasons += [settings_message(each, overruled) for each in error.errors(include_url=False, include_input=False)]
        # No cause: what pydantic keeps of the input may be a secret.
        raise SettingsError(source, tuple(reasons)) from None
    try:
        authorities = _authorities(base / written.ca_file, read) if written.ca_file else None
    except ValueError as error:
        reasons.append(f"{overruled.get('caFile', 'caFile')}: {error}")
    if reasons:
        raise SettingsError(source, tuple(reasons))
    return _settled(written, source, base, secrets, authorities)


def _authorities(path: Path, read: Callable[[Path], str]) -> str:
    """The certificates in a file, without surrounding text. Raises `ValueError` with the problem."""
    try:
        text = read(path)
    except UnicodeDecodeError:
        raise ValueError("the file is not text; write certificates in PEM form") from None
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    found = "\n".join(_CERTIFICATE.findall(text)) + "\n"
    if not found.strip():
        raise ValueError("the file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
    from ssl import PROTOCOL_TLS_CLIENT, SSLContext, SSLError

    try:
        SSLContext(PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found)
    except (SSLError, ValueError):
        raise ValueError("the file holds a certificate that is damaged") from None
    return found


def _contradictions(table: Mapping[str, Any]) -> Iterator[str]:
    """Errors that involve more than one key."""
    yield from contradictions_of_git(table)
    yield from contradictions_of_sinks(table)
    if "clientId" in table and "clientIdFile" in table:
        yield "clientId: is set together with clientIdFile; write only one of them"
    sandbox = table.get("deployment") == "sandbox"
    if "timeScale" in table and not sandbox:
        yield 'timeScale: is only for the sandbox; remove it, or write deployment = "sandbox"'
    for key in ("baseUrl", "tokenUrl"):
        if sandbox and isinstance(table.get(key), str) and not _is_here(table[key]):
            yield f"{key}: the sandbox is on this machine; write http://127.0.0.1:<port>, or another deployment"
    variables: dict[str, str] = {}
    for key in secret_files(table):
        variable = variable_of(key)
        if variables.setdefault(variable, key) != key:
            yield f"{key}: shares the variable {variable} with {variables[variable]}; rename one of the credentials"
    for name, credential in credentials_in(table).items():
        yield from (f"credentials.{name}{reason}" for reason in _contradictions_of(name, credential, sandbox))


def _contradictions_of(name: str, credential: Mapping[str, Any], sandbox: bool) -> Iterator[str]:
    if not _CREDENTIAL_NAME.fullmatch(name):
        yield ": a name is made of lowercase letters, digits and '-', at most 63"
    if "folder" in credential and credential.get("defaultChain") is True:
        yield ".defaultChain: a folder needs no credentials; remove it"
    if "folder" in credential and not sandbox:
        yield '.folder: is only for the sandbox; remove it, or write deployment = "sandbox"'
    if sandbox and ("folder" in credential) == ("endpoint" in credential):
        yield ": in the sandbox, write either folder (a local folder that stands in for the object store) or endpoint"


def _is_here(url: str) -> bool:
    try:
        return is_loopback(url)
    except ValueError:
        return True  # not a URL: the model reports it


def _settled(written: Written, source: str, base: Path, secrets: Secrets, authorities: str | None) -> Settings:
    """The profile applied, paths and durations resolved."""
    timing = Timing(
        unconfirmed_grace=seconds_of(written.unconfirmed_grace),
        delivery_grace=seconds_of(written.delivery_grace),
        settle=seconds_of(written.settle),
        scan_every=seconds_of(written.scan_every),
    )
    policy: dict[str, Any] = {name: getattr(written, name) for name in Policy.model_fields}
    client_secret, page_token = secrets.found.get("clientSecret"), secrets.found.get("pageToken")
    git = settled_git(written.git, base, secrets.found, authorities) if written.git else None
    state = base / written.state
    own_folder = state / "status" if git else None  # nothing is written into a tree that is swapped
    return Settings(
        **policy,
        file=source,
        deployment=_deployment(written, authorities),
        jobs=state / CURRENT / git.path if git else base / written.jobs,
        state=state,
        status_dir=base / written.status_dir if written.status_dir else own_folder,
        git=git,
        sinks=settled_sinks(written.notify, secrets.found),
        client_id=written.client_id or secrets.found.get("clientId"),
        client_secret=SecretStr(client_secret) if client_secret else None,
        page_token=SecretStr(page_token) if page_token else None,
        credentials={name: _credential(name, each, base, secrets) for name, each in written.credentials.items()},
        timing=timing.scaled(written.time_scale) if written.time_scale else timing,
        absent=secrets.absent,
        secret_files=secrets.files,
    )


def _deployment(written: Written, authorities: str | None) -> Deployment:
    profile = DEPLOYMENTS[written.deployment]
    base_url = written.base_url or profile.base_url
    # The sandbox serves its tokens itself, so they move with it.
    token_url = f"{base_url}/oauth/token" if profile.name == "sandbox" else profile.token_url
    changes = {"base_url": base_url, "token_url": written.token_url or token_url, "authorities": authorities}
    return profile.model_copy(update=changes | {"api_path": written.api_path or profile.api_path})


def _credential(name: str, written: WrittenCredential, base: Path, secrets: Secrets) -> Credential:
    keys = (secrets.found.get(f"credentials.{name}.{key}") for key in ("accessKey", "secretAccessKey"))
    access, secret = (SecretStr(each) if each else None for each in keys)
    return Credential(
        name=name,
        prefixes=tuple(written.prefixes),
        endpoint=written.endpoint,
        region=written.region,
        default_chain=written.default_chain,
        folder=base / written.folder if written.folder else None,
        access_key=access,
        secret_access_key=secret,
    )
