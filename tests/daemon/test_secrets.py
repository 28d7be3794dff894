"""Secrets that are taken over while the daemon runs: those of git and of the sinks begin nothing anew."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.daemon.secrets import SecretFiles
from controller.settings.settings import Settings

FILES: Mapping[str, str] = {
    "token": "old-token", "hook": "old-hook", "url": "https://hooks.example/old", "key": "old-key", "api": "old-api",
    "client": "old-client",
}  # fmt: skip
SETTINGS = """\
deployment = "sandbox"
clientId = "sandbox"
clientSecretFile = "client"

[git]
url = "https://git.example/jobs"
tokenFile = "token"
hookSecretFile = "hook"

[notify.team]
type = "webhook"
urlFile = "url"
secretFile = "key"

[notify.host]
type = "github"
repository = "team/jobs"
tokenFile = "api"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def secrets_of(settings: Settings) -> dict[str, str]:
    """All of them, by the file that they come from."""
    assert settings.git and settings.git.token and settings.git.hook_secret and settings.client_secret
    team, host = settings.sinks
    assert team.secret and host.token
    found = (settings.git.token, settings.git.hook_secret, team.urls[0], team.secret, host.token)
    return dict(zip(FILES, (each.get_secret_value() for each in (*found, settings.client_secret)), strict=True))


@pytest.mark.parametrize("name", FILES)
def test_a_secret_that_changes_is_taken_over(root: Path, name: str) -> None:
    read = partial(load_settings, root / "shjobs.toml", {})
    files = SecretFiles(read(), read)
    assert secrets_of(files.settings) == FILES
    (root / name).write_text("https://hooks.example/another", encoding="utf-8")
    begins_anew = files.is_changed()
    assert secrets_of(files.settings) == {**FILES, name: "https://hooks.example/another"}
    assert begins_anew is (name == "client")


@pytest.mark.parametrize("name", FILES)
def test_a_secret_that_is_gone_stays_as_it_was(root: Path, name: str) -> None:
    read = partial(load_settings, root / "shjobs.toml", {})
    files = SecretFiles(read(), read)
    (root / name).unlink()
    assert files.is_changed() is False
    assert secrets_of(files.settings) == FILES


def test_no_other_setting_is_read_again(root: Path) -> None:
    file = root / "shjobs.toml"
    read = partial(load_settings, file, {})
    files = SecretFiles(read(), read)
    file.write_text(SETTINGS.replace("git.example", "elsewhere.example").replace("team/jobs", "other/jobs"))
    (root / "token").write_text("new-token", encoding="utf-8")
    assert files.is_changed() is False
    assert files.settings.git and files.settings.git.url == "https://git.example/jobs"
    assert [each.repository for each in files.settings.sinks] == ["", "team/jobs"]
    assert secrets_of(files.settings) == {**FILES, "token": "new-token"}
