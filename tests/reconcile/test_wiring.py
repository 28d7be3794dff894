"""What must be there before anything is sent: told in one message, before a lock or a file is touched."""

import queue
from pathlib import Path

import pytest

from controller.cli.settings import load_settings
from controller.ledger.lock import submitter_lock
from controller.ledger.outbox.outbox import Outbox
from controller.model.errors import StateError, UsageError
from controller.reconcile.calls.workers import CallOutcome
from controller.reconcile.wiring import controller
from tests.support.factories import NOW

NO_CLIENT = (
    "no OAuth client: set SHJOBS_CLIENT_ID and SHJOBS_CLIENT_SECRET, "
    "or clientIdFile and clientSecretFile in shjobs.toml"
)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("", [], id="nothing is set"),
        pytest.param('clientId = "me"', [], id="the secret is not set"),
        pytest.param(
            'clientId = "me"\nclientSecretFile = "run/secret"',
            [
                "clientSecret: the file named by clientSecretFile is missing or empty; "
                "write it or set SHJOBS_CLIENT_SECRET"
            ],
            id="the secret's file is not there",
        ),
    ],
)
def test_without_an_oauth_client_the_error_names_every_secret_that_was_not_found(
    tmp_path: Path, text: str, lines: list[str]
) -> None:
    config = tmp_path / "shjobs.toml"
    config.write_text(text)
    settings, inbox = load_settings(config, {}), queue.SimpleQueue[CallOutcome | None]()
    with pytest.raises(UsageError) as caught, controller(settings, lambda _news: None, inbox):
        pass
    assert str(caught.value).splitlines() == [NO_CLIENT, *(f"{config}: {line}" for line in lines)]
    assert list(tmp_path.iterdir()) == [config]


def test_who_finds_the_lock_taken_leaves_the_tree_alone(tmp_path: Path) -> None:
    """Its trial file once met the other's, which then could not start (races 934876736/21)."""
    config, jobs = tmp_path / "shjobs.toml", tmp_path / "jobs.d"
    config.write_text('clientId = "me"')
    jobs.mkdir()
    before = jobs.stat().st_mtime_ns
    settings = load_settings(config, {"SHJOBS_CLIENT_SECRET": "secret"})
    with (
        submitter_lock(settings.state),
        pytest.raises(StateError, match=r"in use by process \d+"),
        controller(settings, lambda _news: None, queue.SimpleQueue()),
    ):
        pass
    assert jobs.stat().st_mtime_ns == before


def test_what_the_receivers_in_the_settings_are_to_hear_of_is_recorded_from_the_first_turn(tmp_path: Path) -> None:
    config, jobs = tmp_path / "shjobs.toml", tmp_path / "jobs.d"
    config.write_text('clientId = "me"\n[notify.team]\ntype = "webhook"\nurl = "https://hooks.example/shjobs"\n')
    jobs.mkdir()
    (jobs / "ndvi.yaml").write_text("spec: [")
    settings = load_settings(config, {"SHJOBS_CLIENT_SECRET": "secret"})
    [team] = settings.sinks
    with controller(settings, lambda _news: None, queue.SimpleQueue()) as (assembly, _):
        assembly.loop.start(NOW)
        assembly.loop.turn([], NOW)
        with Outbox(settings.state) as outbox:
            outbox.form(team, NOW)
            [message] = outbox.due("team", NOW)
    assert [(each.subject, each.reason) for each in message.events] == [("ndvi.yaml", "Rejected")]
