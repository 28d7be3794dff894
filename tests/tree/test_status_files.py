"""Status files: the same bytes for the same values, replaced in one step, and only when something changed."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.model.errors import StateError
from controller.tree.status_files import LONGEST_DOCUMENT, LONGEST_OF_SET, StatusFiles, status_bytes, status_path


class Phase(StrEnum):
    RUNNING = "Running"


@pytest.mark.parametrize(
    ("manifest", "status"),
    [
        pytest.param("ndvi.yaml", "ndvi.status.yaml", id="beside the manifest"),
        pytest.param("a/b/ndvi.yml", "a/b/ndvi.status.yaml", id="in its folder"),
        pytest.param("a.b/ndvi.2022.json", "a.b/ndvi.2022.status.yaml", id="only the last suffix goes"),
    ],
)
def test_where_a_status_stands(manifest: str, status: str) -> None:
    assert status_path(manifest) == status


OURS = {"apiVersion": "shjobs/v1", "kind": "AsyncProcessStatus"}
HEAD = "apiVersion: shjobs/v1\nkind: AsyncProcessStatus\n"


def test_documents_keep_their_order_and_stay_readable() -> None:
    shared = {"bytes": 1}
    documents: list[dict[str, Any]] = [
        {"phase": Phase.RUNNING, "message": "Zeile 1\nZeile 2: ü", "outputs": [shared, shared], "etag": "123e456"},
        {"phase": "Held", "requestId": None, "hold": True, "reason": "no"},
    ]
    assert status_bytes(documents).decode() == (
        "phase: Running\nmessage: |-\n  Zeile 1\n  Zeile 2: ü\noutputs:\n- bytes: 1\n- bytes: 1\netag: '123e456'\n"
        "---\nphase: Held\nrequestId: null\nhold: true\nreason: 'no'\n"
    )
    assert list(yaml.safe_load_all(status_bytes(documents)))[1] == documents[1]


def test_a_status_file_that_begins_with_a_set_is_ours_and_may_be_larger(tmp_path: Path) -> None:
    files = StatusFiles(tmp_path)
    found = {"apiVersion": "shjobs/v1", "kind": "AsyncProcessSetStatus", "message": "x" * 12_000}
    assert files.write("alps.yaml", [found])
    assert files.write("alps.yaml", [{**found, "message": "y" * 12_000}])
    assert yaml.safe_load((tmp_path / "alps.status.yaml").read_text())["message"] == "y" * 12_000
    assert len(status_bytes([{**found, "message": "x" * 50_000}])) <= LONGEST_OF_SET


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"phase": "Failed", "message": "x" * 50_000}, id="one long text"),
        pytest.param({"phase": "Failed", "message": "ü\n" * 20_000}, id="many lines beyond ASCII"),
        pytest.param({"phase": "Failed", "outputs": [{"href": "s3://b/" + "k" * 300}] * 500}, id="many outputs"),
        pytest.param({"phase": "Failed", "message": "\x00\x07" * 9000}, id="characters that need escapes"),
    ],
)
def test_a_document_never_exceeds_its_size(document: dict[str, Any]) -> None:
    rendered = status_bytes([document, document])
    assert all(len(each.encode()) <= LONGEST_DOCUMENT for each in rendered.decode().split("\n---\n"))
    assert yaml.safe_load(rendered.decode().split("\n---\n")[0])["phase"] == "Failed"


def test_a_long_message_is_cut_before_anything_shorter() -> None:
    href = "s3://bucket/" + "k" * 200
    document = yaml.safe_load(status_bytes([{"message": "x" * 20_000, "outputs": [{"href": href}]}]))
    assert document["outputs"] == [{"href": href}]
    assert document["message"].endswith("x…")


def files(root: Path) -> list[str]:
    return sorted(str(each.relative_to(root)) for each in root.rglob("*") if each.is_file())


def written(path: Path) -> tuple[int, int]:
    """Which file it is, and when it was written; when it was read, to compare it, does not matter."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def test_a_file_is_written_only_when_its_bytes_change(tmp_path: Path) -> None:
    status = StatusFiles(tmp_path)
    assert status.write("ndvi.yaml", [{**OURS, "phase": "Pending"}])
    before = written(tmp_path / "ndvi.status.yaml")
    assert not status.write("ndvi.yaml", [{**OURS, "phase": "Pending"}])
    assert written(tmp_path / "ndvi.status.yaml") == before
    assert status.write("ndvi.yaml", [{**OURS, "phase": "Running"}])
    assert (tmp_path / "ndvi.status.yaml").read_text() == HEAD + "phase: Running\n"
    assert files(tmp_path) == ["ndvi.status.yaml"]


def test_an_edited_file_is_written_again(tmp_path: Path) -> None:
    status = StatusFiles(tmp_path)
    (tmp_path / "ndvi.status.yaml").write_text("phase: Succeeded\n")
    assert status.write("ndvi.yaml", [{**OURS, "phase": "Pending"}], ours=True)


def test_a_mirror_makes_its_folders_and_removes_them_again(tmp_path: Path) -> None:
    tree, mirror = tmp_path / "tree", tmp_path / "mirror"
    tree.mkdir()
    status = StatusFiles(tree, mirror)
    status.check_writable()
    assert status.write("a/b/ndvi.yaml", [{**OURS, "phase": "Pending"}])
    assert status.write("a/tci.yaml", [{**OURS, "phase": "Pending"}])
    assert files(tmp_path) == ["mirror/a/b/ndvi.status.yaml", "mirror/a/tci.status.yaml"]
    status.remove("a/b/ndvi.yaml")
    assert [(mirror / "a").is_dir(), (mirror / "a/b").is_dir()] == [True, False]
    status.remove("a/tci.yaml")
    assert list(mirror.iterdir()) == []


def test_a_folder_that_went_with_its_manifests_is_not_made_again(tmp_path: Path) -> None:
    status = StatusFiles(tmp_path)
    assert not status.write("gone/ndvi.yaml", [{"phase": "Pending"}])
    status.remove("gone/ndvi.yaml")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after", ["a change", "no change", "the removal"])
def test_what_a_crashed_write_left_is_cleaned(tmp_path: Path, after: str) -> None:
    status = StatusFiles(tmp_path)
    status.write("ndvi.yaml", [{**OURS, "phase": "Pending"}])
    left = tmp_path / ".ndvi.status.yaml.tmp"
    left.write_text("phase: Ru")
    if after == "the removal":
        status.remove("ndvi.yaml")
    else:
        status.write("ndvi.yaml", [{**OURS, "phase": "Running" if after == "a change" else "Pending"}])
    assert files(tmp_path) == ([] if after == "the removal" else ["ndvi.status.yaml"])


def test_a_link_laid_where_the_temporary_file_goes_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".ndvi.status.yaml.tmp").symlink_to(tmp_path / "precious")
    StatusFiles(tmp_path).write("ndvi.yaml", [{"phase": "Pending"}])
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_tree_that_cannot_be_written_is_told_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for status in (StatusFiles(tmp_path / "file"), StatusFiles(tmp_path, tmp_path / "file/status")):
        with pytest.raises(StateError, match="statusDir"):
            status.check_writable()
    with pytest.raises(StateError, match="statusDir"):
        StatusFiles(tmp_path, tmp_path / "file").write("ndvi.yaml", [{"phase": "Pending"}])


def test_a_tree_that_is_not_there_yet_is_no_error(tmp_path: Path) -> None:
    StatusFiles(tmp_path / "later").check_writable()
    assert not (tmp_path / "later").exists()


NOTES = {
    "notes": "remember: to ask for the budget\n",
    "another manifest": "apiVersion: shjobs/v1\nkind: AsyncProcess\n",
    "a text that names us": "# kind: AsyncProcessStatus\nmine: true\n",
}


@pytest.mark.parametrize("text", NOTES.values(), ids=NOTES)
@pytest.mark.parametrize("is_mirror", [False, True], ids=["beside the manifest", "in a mirror"])
def test_what_shjobs_did_not_write_is_neither_overwritten_nor_removed(
    tmp_path: Path, text: str, is_mirror: bool
) -> None:
    status = StatusFiles(tmp_path, tmp_path if is_mirror else None)
    mine = tmp_path / "ndvi.status.yaml"
    mine.write_text(text)
    with pytest.raises(StateError, match=r"ndvi\.status\.yaml was not written by shjobs and is left as it is"):
        status.write("ndvi.yaml", [{**OURS, "phase": "Pending"}])
    status.remove("ndvi.yaml")
    status.clear("ndvi.status.yaml")
    assert files(tmp_path) == ["ndvi.status.yaml"]
    assert mine.read_text() == text


@pytest.mark.parametrize("left", [b"", bytes(4096), HEAD.encode() + b"phase: Ru"], ids=["nothing", "zeros", "a half"])
def test_what_a_machine_that_died_left_is_overwritten(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "ndvi.status.yaml").write_bytes(left)
    assert StatusFiles(tmp_path).write("ndvi.yaml", [{**OURS, "phase": "Pending"}])
