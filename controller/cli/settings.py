"""Finds and reads shjobs.toml and the secret files it names; every command calls `load_settings` once, at its start."""

import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from controller.model.errors import SettingsError, UsageError
from controller.settings.environment import OPERATOR, given_in, variable_of
from controller.settings.settings import Settings, settings_from
from controller.tree.regular_files import read_regular

NAME = "shjobs.toml"
_PLACES = frozenset({variable_of("jobs"), variable_of("state")})


def operator(environment: Mapping[str, str]) -> str:
    """Who runs this command, for the record: `SHJOBS_OPERATOR`, else `user@host`."""
    if given := environment.get(OPERATOR, "").strip():
        return given.encode("utf-8", "replace").decode()  # bytes that are no text cannot be recorded
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def load_settings(config: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of `config`, else of shjobs.toml in the working directory, else the defaults.

    Relative paths in them are relative to the file's folder. Raises `SettingsError` with every reason at once.
    """
    path, text = read_text(config)
    return settings_from(text, source=str(path), environment=environment, base=path.parent, read=_read)


def load_settings_here(config: Path | None, environment: Mapping[str, str]) -> Settings:
    """The same for what an operator asks of a controller.

    Raises `UsageError` in a folder where none works and none could start: else the wrong one would be asked.
    """
    settings = load_settings(config, environment)
    is_named = not given_in(environment).keys().isdisjoint(_PLACES)
    if not is_named and not any(Path(each).exists() for each in (settings.file, settings.jobs, settings.state)):
        raise UsageError(f"no {NAME}, jobs folder or state here: run it in the folder of the controller")
    return settings


def read_text(config: Path | None) -> tuple[Path, str]:
    """The settings file and its text, "" when there is none and none was named."""
    path = config or Path(NAME)
    try:
        return path, _read(path)
    except FileNotFoundError:
        if config is not None:
            raise SettingsError.one(str(path), "there is no such settings file") from None
        return path, ""
    except OSError as error:
        raise SettingsError.one(str(path), f"cannot be read: {error.strerror}") from error
    except ValueError:
        raise SettingsError.one(str(path), "is not UTF-8 text") from None


def _read(path: Path) -> str:
    return read_regular(path, follow=True)[0].decode("utf-8-sig")
