"""Status files: written when their meaning changes, written again when somebody touched them, and never for nothing."""

import json
from pathlib import Path

import pytest

from controller.model.files import FileRecord
from controller.tree.status_files import StatusFiles
from controller.tree.status_memory import Documents, Noticeboard
from tests.conftest import Workspace, ndvi

DOCUMENTS = [{"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus", "name": "ndvi", "phase": "Held"}]
CHANGED = [{**DOCUMENTS[0], "phase": "Running"}]


def post(board: Noticeboard, manifest: str, documents: Documents) -> None:
    board.post(manifest, documents, json.dumps(documents))


def stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


@pytest.fixture
def board(tmp_path: Path) -> Noticeboard:
    return Noticeboard(StatusFiles(tmp_path))


def test_the_same_documents_are_written_once(board: Noticeboard, tmp_path: Path) -> None:
    post(board, "ndvi.yaml", DOCUMENTS)
    before = stamp(tmp_path / "ndvi.status.yaml")
    post(board, "ndvi.yaml", DOCUMENTS)
    assert stamp(tmp_path / "ndvi.status.yaml") == before
    post(board, "ndvi.yaml", CHANGED)
    assert stamp(tmp_path / "ndvi.status.yaml") != before


def test_a_later_process_that_remembers_writes_nothing_and_opens_nothing(board: Noticeboard, tmp_path: Path) -> None:
    post(board, "ndvi.yaml", DOCUMENTS)
    kept, forgotten = board.unsaved()
    later = Noticeboard(StatusFiles(tmp_path))
    later.remember(kept)
    (tmp_path / "ndvi.status.yaml").write_text("edited, and no scan has seen it yet")
    post(later, "ndvi.yaml", DOCUMENTS)
    assert (tmp_path / "ndvi.status.yaml").read_text() == "edited, and no scan has seen it yet"
    assert (forgotten, later.unsaved()) == ([], ([], []))


def test_a_touched_file_is_written_again(board: Noticeboard, tmp_path: Path) -> None:
    post(board, "ndvi.yaml", DOCUMENTS)
    before = (tmp_path / "ndvi.status.yaml").read_bytes()
    (tmp_path / "ndvi.status.yaml").write_text("mine now")
    assert board.touched(["ndvi.status.yaml"], ["ndvi.yaml"]) == {"ndvi.yaml"}
    post(board, "ndvi.yaml", DOCUMENTS)
    assert (tmp_path / "ndvi.status.yaml").read_bytes() == before


def test_what_is_removed_is_forgotten(board: Noticeboard) -> None:
    post(board, "ndvi.yaml", DOCUMENTS)
    board.unsaved()
    board.remove("ndvi.yaml")
    assert (list(board.records), board.unsaved()) == ([], ([], ["ndvi.status.yaml"]))


def test_an_orphan_goes_only_if_we_wrote_it(board: Noticeboard, tmp_path: Path) -> None:
    post(board, "ours.yaml", DOCUMENTS)
    (tmp_path / "notes.status.yaml").write_text("mine: true\n")
    assert board.touched(["ours.status.yaml", "notes.status.yaml"], ["ndvi.yaml"]) == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.status.yaml"]


def test_what_an_earlier_process_left_for_nobody_is_removed_at_the_first_scan(
    board: Noticeboard, tmp_path: Path
) -> None:
    post(board, "gone.yaml", DOCUMENTS)
    later = Noticeboard(StatusFiles(tmp_path))
    later.remember(board.unsaved()[0])
    later.touched([], ["ndvi.yaml"])
    assert list(tmp_path.iterdir()) == []
    assert later.unsaved() == ([], ["gone.status.yaml"])


def test_a_file_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    board = Noticeboard(StatusFiles(tmp_path, tmp_path / "mirror"))
    (tmp_path / "mirror").write_text("a file where the mirror should be")
    post(board, "ndvi.yaml", DOCUMENTS)
    assert "1 status files are not up to date" in board.trouble
    assert list(board.unwritten) == ["ndvi.yaml"]
    (tmp_path / "mirror").unlink()
    post(board, "ndvi.yaml", DOCUMENTS)
    assert (board.trouble, (tmp_path / "mirror" / "ndvi.status.yaml").exists()) == ("", True)


def test_a_record_says_which_documents_stand_there(board: Noticeboard) -> None:
    post(board, "ndvi.yaml", DOCUMENTS)
    first = board.records.get("ndvi.status.yaml")
    post(board, "ndvi.yaml", CHANGED)
    second = board.records.get("ndvi.status.yaml")
    assert isinstance(first, FileRecord)
    assert isinstance(second, FileRecord)
    assert (first.kind, first.path, len(first.sha256)) == ("status", "ndvi.status.yaml", 64)
    assert first.sha256 != second.sha256


@pytest.mark.parametrize(
    "mirror", [pytest.param(False, id="beside the manifest"), pytest.param(True, id="in a mirror")]
)
@pytest.mark.parametrize("harm", ["edited", "removed"])
def test_the_next_scan_mends_a_status_file(workspace: Workspace, mirror: bool, harm: str) -> None:
    settings = workspace.settings(**({"SHJOBS_STATUS_DIR": "status"} if mirror else {}))
    path = (workspace.root / "status" if mirror else workspace.jobs) / "ndvi.status.yaml"
    workspace.write("ndvi.yaml", ndvi())
    workspace.sync(settings)
    before = path.read_bytes()
    if harm == "edited":
        path.write_text("phase: Failed\n")
    else:
        path.unlink()
    workspace.sync(settings)
    assert path.read_bytes() == before
    assert workspace.posts() == 1
