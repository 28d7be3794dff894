"""Status files: written when their meaning changes, written again when somebody touched them, and never for nothing."""

import json
import tracemalloc
from pathlib import Path

import pytest

from controller.model.files import FileRecord
from controller.tree.files import Known
from controller.tree.status_cache import Documents, StatusCache
from controller.tree.status_files import StatusFiles
from tests.conftest import Workspace, ndvi

DOCUMENTS = [{"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus", "name": "ndvi", "phase": "Held"}]
CHANGED = [{**DOCUMENTS[0], "phase": "Running"}]


def post(status_cache: StatusCache, manifest: str, documents: Documents) -> None:
    status_cache.post(manifest, documents, json.dumps(documents))


def stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


@pytest.fixture
def status_cache(tmp_path: Path) -> StatusCache:
    return StatusCache(StatusFiles(tmp_path))


def test_the_same_documents_are_written_once(status_cache: StatusCache, tmp_path: Path) -> None:
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    before = stamp(tmp_path / "ndvi.status.yaml")
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    assert stamp(tmp_path / "ndvi.status.yaml") == before
    post(status_cache, "ndvi.yaml", CHANGED)
    assert stamp(tmp_path / "ndvi.status.yaml") != before


def test_a_later_process_that_remembers_writes_nothing_and_opens_nothing(
    status_cache: StatusCache, tmp_path: Path
) -> None:
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    kept, forgotten = status_cache.unsaved()
    later = StatusCache(StatusFiles(tmp_path))
    later.remember(kept)
    (tmp_path / "ndvi.status.yaml").write_text("edited, and no scan has seen it yet")
    post(later, "ndvi.yaml", DOCUMENTS)
    assert (tmp_path / "ndvi.status.yaml").read_text() == "edited, and no scan has seen it yet"
    assert (forgotten, later.unsaved()) == ([], ([], []))


def test_what_was_written_takes_no_memory_beside_its_records(tmp_path: Path) -> None:
    records = [FileRecord(path=f"job-{number}.status.yaml", kind="status") for number in range(3_000)]
    sizes, kept = [], []
    for holds in (Known, StatusCache(StatusFiles(tmp_path)).remember):
        tracemalloc.start()
        try:
            kept.append(holds(records))
            sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert sizes[1] - sizes[0] <= len(records)


def test_a_touched_file_is_written_again(status_cache: StatusCache, tmp_path: Path) -> None:
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    before = (tmp_path / "ndvi.status.yaml").read_bytes()
    (tmp_path / "ndvi.status.yaml").write_text("mine now")
    assert status_cache.touched(["ndvi.status.yaml"], ["ndvi.yaml"]) == {"ndvi.yaml"}
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    assert (tmp_path / "ndvi.status.yaml").read_bytes() == before


def test_what_is_removed_is_forgotten(status_cache: StatusCache) -> None:
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    status_cache.unsaved()
    status_cache.remove("ndvi.yaml", ["other.yaml"])
    assert (list(status_cache.records), status_cache.unsaved()) == ([], ([], ["ndvi.status.yaml"]))


def test_the_file_of_a_manifest_stays_when_one_goes_whose_name_differs_in_its_end(status_cache: StatusCache) -> None:
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    status_cache.remove("ndvi.json", ["ndvi.yaml"])
    assert [record.path for record in status_cache.records] == ["ndvi.status.yaml"]


def test_an_orphan_goes_only_if_we_wrote_it(status_cache: StatusCache, tmp_path: Path) -> None:
    post(status_cache, "ours.yaml", DOCUMENTS)
    (tmp_path / "notes.status.yaml").write_text("mine: true\n")
    assert status_cache.touched(["ours.status.yaml", "notes.status.yaml"], ["ndvi.yaml"]) == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.status.yaml"]


def test_what_an_earlier_process_left_for_nobody_is_removed_at_the_first_scan(
    status_cache: StatusCache, tmp_path: Path
) -> None:
    post(status_cache, "gone.yaml", DOCUMENTS)
    later = StatusCache(StatusFiles(tmp_path))
    later.remember(status_cache.unsaved()[0])
    later.touched([], ["ndvi.yaml"])
    assert list(tmp_path.iterdir()) == []
    assert later.unsaved() == ([], ["gone.status.yaml"])


def test_a_file_that_cannot_be_written_is_told_and_tried_again(tmp_path: Path) -> None:
    status_cache = StatusCache(StatusFiles(tmp_path, tmp_path / "mirror"))
    (tmp_path / "mirror").write_text("a file where the mirror should be")
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    assert "1 status files are not up to date" in status_cache.problem
    assert list(status_cache.unwritten) == ["ndvi.yaml"]
    (tmp_path / "mirror").unlink()
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    assert (status_cache.problem, (tmp_path / "mirror" / "ndvi.status.yaml").exists()) == ("", True)


def test_a_record_says_which_documents_stand_there(status_cache: StatusCache) -> None:
    post(status_cache, "ndvi.yaml", DOCUMENTS)
    first = status_cache.records.get("ndvi.status.yaml")
    post(status_cache, "ndvi.yaml", CHANGED)
    second = status_cache.records.get("ndvi.status.yaml")
    assert isinstance(first, FileRecord)
    assert isinstance(second, FileRecord)
    assert (first.kind, first.path, len(first.sha256)) == ("status", "ndvi.status.yaml", 64)
    assert first.sha256 != second.sha256


@pytest.mark.slow
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
