"""Every command of the pages with sessions is run again and must print what the page shows."""

import re
from pathlib import Path

import pytest

from controller.cli import COMMANDS
from tests.support.sessions import PAGES, comparable, replayed, steps

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_sessions_of_the_command_line_replay(page: Path, tmp_path: Path) -> None:
    written, folder = steps(page.read_text(encoding="utf-8")), tmp_path / "home"
    folder.mkdir()
    for shown, real in zip(written, replayed(written, folder), strict=True):
        assert (shown.typed, comparable(real.answer)) == (shown.typed, comparable(shown.answer))
    pictures = list(folder.rglob("fetched/*/default.preview.png"))
    assert len(pictures) == 1, "each page ends with a picture to look at"


def test_every_command_has_a_session() -> None:
    written = steps(PAGES[0].read_text(encoding="utf-8"))
    typed = {word for step in written for word in re.findall(r"shjobs ([a-z]+)", step.command)}
    assert typed == COMMANDS.keys()
