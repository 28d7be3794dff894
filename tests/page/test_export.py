"""The pages as files: every link leads to a file that is there, and nothing leads out."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from controller.cli.settings import load_settings
from controller.model.errors import UsageError
from controller.page.export import export_pages
from controller.page.message import sentence
from controller.page.site import Site

LINK = re.compile(r'(?:href|src)="([^"]*)"')


def test_every_link_leads_to_a_file(root: Path, tmp_path: Path) -> None:
    first = export_pages(load_settings(root / "shjobs.toml", {}), tmp_path / "out")
    assert first == tmp_path / "out" / "index.html"
    pages = [*(tmp_path / "out").rglob("*.html")]
    assert "7 jobs" in (tmp_path / "out" / "page" / "jobs.html").read_text(encoding="utf-8")
    for page in pages:
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = page.parent / unquote(link.partition("#")[0]) if not link.startswith("#") else page
            assert target.is_file(), f"{page.name}: {link}"


def test_a_list_has_no_link_to_pages_that_are_no_files(root: Path, tmp_path: Path) -> None:
    export_pages(load_settings(root / "shjobs.toml", {}), tmp_path / "out")
    for page in (tmp_path / "out").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'rel="next"' not in text and "<form" not in text and 'class="pager"' not in text, page
        assert "Of long lists this is the beginning" in text


def test_a_folder_that_cannot_be_written_is_an_error_for_people(root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match="cannot be written"):
        export_pages(load_settings(root / "shjobs.toml", {}), tmp_path / "out")


def test_a_page_that_cannot_be_made_is_written_nowhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Site, "respond", lambda _site, _request: sentence("this page cannot be made", 500))
    with pytest.raises(UsageError, match=r"^index\.html: this page cannot be made$"):
        export_pages(load_settings(root / "shjobs.toml", {}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
