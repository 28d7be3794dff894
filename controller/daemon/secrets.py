"""Notices that the files of the secrets were changed while the daemon runs, and reads them again.

The daemon asks once a second. Only secrets are taken over; every other setting stays as it was at the start.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from controller.model.errors import SettingsError
from controller.settings.git import GitSource
from controller.settings.settings import Settings
from controller.settings.sinks import Sink

log = logging.getLogger(__name__)

Reload = Callable[[], Settings]
_Stat = tuple[int, int, int] | None


class SecretFiles:
    """The settings with the secrets as last read; `reload` reads all settings again."""

    def __init__(self, settings: Settings, reload: Reload | None) -> None:
        self.settings = settings
        self._reload = reload
        self._seen = self._look()

    def is_changed(self) -> bool:
        """Whether `settings` have other secrets for the service or the buckets than at the last call.

        What cannot be read changes none. The other secrets are in `settings` for what needs them next.
        """
        found = self._look()
        if self._reload is None or found == self._seen:
            return False
        self._seen = found
        try:
            fresh = self._reload()
        except SettingsError as error:
            log.warning("the secrets stay as they were: %s", error)
            return False
        renewed = self._with_secrets_of(fresh)
        before, self.settings = self.settings, renewed
        is_other = (renewed.client_secret, renewed.credentials) != (before.client_secret, before.credentials)
        if renewed != before:
            log.info("other credentials were read; what waits for them is tried at once")
        return is_other

    def _with_secrets_of(self, fresh: Settings) -> Settings:
        """The settings with every secret that is there now; one that is gone stays as it was."""
        credentials = {
            name: each.model_copy(
                update={
                    "access_key": fresh.credentials[name].access_key,
                    "secret_access_key": fresh.credentials[name].secret_access_key,
                }
            )
            if name in fresh.credentials and fresh.credentials[name].has_keys
            else each
            for name, each in self.settings.credentials.items()
        }
        secret = fresh.client_secret or self.settings.client_secret
        around = {"git": self._git_of(fresh), "sinks": self._sinks_of(fresh)}
        return self.settings.model_copy(update={"client_secret": secret, "credentials": credentials, **around})

    def _git_of(self, fresh: Settings) -> GitSource | None:
        git, found = self.settings.git, fresh.git
        if git is None or found is None:
            return git
        return replace(git, token=found.token or git.token, hook_secret=found.hook_secret or git.hook_secret)

    def _sinks_of(self, fresh: Settings) -> tuple[Sink, ...]:
        found = {each.name: each for each in fresh.sinks}
        return tuple(_with_secrets(each, found.get(each.name, each)) for each in self.settings.sinks)

    def _look(self) -> list[_Stat]:
        return [_stat(path) for path in self.settings.secret_files]


def _with_secrets(sink: Sink, fresh: Sink) -> Sink:
    return replace(
        sink, urls=fresh.urls or sink.urls, secret=fresh.secret or sink.secret, token=fresh.token or sink.token
    )


def _stat(path: Path) -> _Stat:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
