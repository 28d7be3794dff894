"""Every command of docs/cli.md is run again and must print what the page shows."""

import re
from pathlib import Path

import pytest

from controller.cli import COMMANDS
from tests.support.sessions import PAGE, comparable, replayed, steps

pytestmark = pytest.mark.slow

WRITTEN = steps(PAGE.read_text(encoding="utf-8"))


def test_the_sessions_of_the_command_line_replay(tmp_path: Path) -> None:
    for shown, real in zip(WRITTEN, replayed(WRITTEN, tmp_path), strict=True):
        assert (shown.typed, comparable(real.answer)) == (shown.typed, comparable(shown.answer))
    assert (tmp_path / "fetched" / "example" / "default.preview.png").exists()


def test_every_command_has_a_session() -> None:
    typed = {word for step in WRITTEN for word in re.findall(r"shjobs ([a-z]+)", step.command)}
    assert typed == COMMANDS.keys()
