"""The loader on real folders: it reads what changed, tells what is wrong, and forgets nothing by accident."""

import gc
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from controller.manifest.validate import Broken, ValidManifest
from controller.model.errors import Problem
from controller.model.files import FileRecord
from controller.tree.contents import LoadedFile
from controller.tree.files import LARGEST_FILE, Known
from controller.tree.scan import Scan, scan

SCRIPT = "//VERSION=3\nfunction evaluatePixel() { return [1]; }\n"
OR_LIST_IT = "if it is no manifest, list it in .shjobsignore"
OR_LIST = "rename one, or list what is no manifest in .shjobsignore"


def manifest(name: str, script: str = "ndvi.js") -> str:
    return (
        "apiVersion: shjobs/v1\n"
        "kind: AsyncProcess\n"
        f"metadata: {{name: {name}}}\n"
        "spec:\n"
        "  request:\n"
        "    input: {bounds: {bbox: [1, 2, 3, 4]}, data: [{type: dem}]}\n"
        "    output: {width: 5, height: 5, delivery: {s3: {url: s3://my-bucket, credentialsRef: my-bucket}}}\n"
        f"  evalscriptFile: {script}\n"
    )


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A scan, and what it read."""

    scan: Scan
    changed: list[LoadedFile]

    @property
    def gone(self) -> Set[str]:
        return self.scan.gone

    @property
    def records(self) -> Mapping[str, FileRecord]:
        return self.scan.records

    @property
    def problems(self) -> Sequence[Problem]:
        return self.scan.problems


def see(root: Path, known: Known, now: datetime | None = None) -> Seen:
    changed: list[LoadedFile] = []
    return Seen(scan=scan(root, known, changed.extend, now), changed=changed)


class Jobs:
    """A folder of manifests, and what the last scan of it left behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.known = Known()

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def scan(self) -> Seen:
        found = see(self.root, self.known)
        self.known.update(found.records.values(), found.gone, found.scan.ignored)
        return found

    def changed(self) -> list[str]:
        return [each.path for each in self.scan().changed]

    def reported(self) -> list[str]:
        documents = [document for file in self.scan().changed for document in file.documents]
        return [str(problem) for each in documents if isinstance(each, Broken) for problem in each.problems]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    jobs = Jobs(tmp_path / "jobs.d")
    jobs.write("ndvi.yaml", manifest("ndvi"))
    jobs.write("ndvi.js", SCRIPT)
    return jobs


def test_nothing_changed_nothing_read(jobs: Jobs) -> None:
    jobs.scan()
    found = jobs.scan()
    assert found == Seen(scan=Scan(ready=True, gone=set(), records={}, folders=1), changed=[])


def test_a_first_scan_reads_everything_in_order(jobs: Jobs) -> None:
    jobs.write("b/two.yml", manifest("b-1", "../ndvi.js") + "---\n" + manifest("b-2", "x.js"))
    jobs.write("b/x.js", SCRIPT)
    jobs.write("b/a.json", "{}")
    found = jobs.scan()
    assert [(each.path, [document.name for document in each.documents]) for each in found.changed] == [
        ("b/a.json", [None]),
        ("b/two.yml", ["b-1", "b-2"]),
        ("ndvi.yaml", ["ndvi"]),
    ]
    first = found.changed[2].documents[0]
    assert isinstance(first, ValidManifest)
    assert first.request.body["evalscript"] == SCRIPT
    assert {(each.path, each.kind, each.uses) for each in found.records.values()} == {
        ("b/a.json", "manifest", ()),
        ("b/two.yml", "manifest", ("b/x.js", "ndvi.js")),
        ("b/x.js", "script", ()),
        ("ndvi.js", "script", ()),
        ("ndvi.yaml", "manifest", ("ndvi.js",)),
    }


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("ndvi.status.yaml", id="a status file"),
        pytest.param(".hidden.yaml", id="a hidden file"),
        pytest.param(".git/config.yaml", id="a hidden folder"),
        pytest.param("README.md", id="another kind of file"),
    ],
)
def test_what_is_no_manifest_is_not_looked_at(jobs: Jobs, path: str) -> None:
    jobs.write(path, "x: [")
    assert jobs.changed() == ["ndvi.yaml"]


def test_a_changed_manifest_is_read_again_and_a_touched_one_is_not(jobs: Jobs) -> None:
    jobs.scan()
    os.utime(jobs.root / "ndvi.yaml", (1, 1))
    found = jobs.scan()
    assert (found.changed, found.gone, list(found.records)) == ([], set(), ["ndvi.yaml"])
    jobs.write("ndvi.yaml", manifest("other"))
    assert jobs.changed() == ["ndvi.yaml"]


def test_a_changed_script_changes_the_manifests_that_use_it(jobs: Jobs) -> None:
    jobs.write("a/one.yaml", manifest("one", "../ndvi.js"))
    jobs.write("a/two.yaml", manifest("two", "two.js"))
    jobs.write("a/two.js", SCRIPT)
    jobs.scan()
    os.utime(jobs.root / "ndvi.js", (1, 1))
    assert jobs.changed() == []
    jobs.write("ndvi.js", SCRIPT + "// changed\n")
    assert jobs.changed() == ["a/one.yaml", "ndvi.yaml"]
    assert jobs.changed() == []


def test_a_missing_script_is_told_where_it_is_named_until_it_is_there(jobs: Jobs) -> None:
    (jobs.root / "ndvi.js").unlink()
    assert jobs.reported() == ["ndvi.yaml:8:3: E113 spec.evalscriptFile: ndvi.js does not exist"]
    assert jobs.changed() == []
    jobs.write("ndvi.js", SCRIPT)
    assert [type(each.documents[0]) for each in jobs.scan().changed] == [ValidManifest]


INSIDE = "must be relative to the manifest and inside the jobs folder, as ndvi.js is"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        pytest.param("../secret.js", INSIDE, id="a path that leads out"),
        pytest.param("a/../../secret.js", INSIDE, id="a path that leads out in between"),
        pytest.param("/etc/hostname", INSIDE, id="an absolute path"),
        pytest.param("..", INSIDE, id="the folder above"),
        pytest.param(
            "link.js", "link.js is a link that leads out of the jobs folder: copy the script into it", id="a link"
        ),
        pytest.param(
            "out/secret.js",
            "out/secret.js is a link that leads out of the jobs folder: copy the script into it",
            id="a linked folder",
        ),
        pytest.param(".", ". is not a regular file", id="the folder itself"),
        pytest.param("pipe.js", "pipe.js is not a regular file", id="a named pipe, without waiting for it"),
        pytest.param("large.js", "large.js is larger than 1000000 bytes", id="a file that is too large"),
        pytest.param(
            "latin.js", "latin.js is not UTF-8 text (first in line 2): save it as UTF-8", id="another encoding"
        ),
        pytest.param(
            "circle.js", "circle.js cannot be read: Too many levels of symbolic links", id="a link that leads to itself"
        ),
        pytest.param("empty.js", "empty.js holds no script", id="an empty file"),
        pytest.param("ndvi.yaml", "must be a script, such as ndvi.js; this is the name of a manifest", id="a manifest"),
    ],
)
def test_a_script_that_cannot_be_used_is_told(jobs: Jobs, written: str, words: str) -> None:
    (jobs.root.parent / "secret.js").write_text(SCRIPT)
    (jobs.root / "link.js").symlink_to(jobs.root.parent / "secret.js")
    (jobs.root / "out").symlink_to(jobs.root.parent)
    (jobs.root / "circle.js").symlink_to("circle.js")
    os.mkfifo(jobs.root / "pipe.js")
    jobs.write("large.js", b"/" * (LARGEST_FILE + 1))
    jobs.write("latin.js", b"//VERSION=3\n// \xe9\n")
    jobs.write("empty.js", "")
    jobs.write("ndvi.yaml", manifest("ndvi", f'"{written}"'))
    reported = [each for each in jobs.reported() if each.startswith("ndvi.yaml")]
    assert reported == [f"ndvi.yaml:8:3: E113 spec.evalscriptFile: {words}"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"a: \xe9\n", "is not UTF-8 text (first in line 1): save it as UTF-8", id="another encoding"),
        pytest.param(b"#" * (LARGEST_FILE + 1), f"is larger than 1000000 bytes; {OR_LIST_IT}", id="too large"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_one_problem(jobs: Jobs, content: bytes, words: str) -> None:
    jobs.scan()
    jobs.write("bad.yaml", content)
    assert jobs.reported() == [f"bad.yaml:1:1: E190: {words}"]
    assert jobs.changed() == []


def test_links_to_nothing_to_themselves_and_pipes_are_problems_of_their_own(jobs: Jobs) -> None:
    (jobs.root / "a.yaml").symlink_to("nowhere.yaml")
    (jobs.root / "b.yaml").symlink_to("b.yaml")
    os.mkfifo(jobs.root / "c.yaml")
    assert jobs.reported() == [
        "a.yaml:1:1: E190: is a link to a file that does not exist",
        "b.yaml:1:1: E190: cannot be read: Too many levels of symbolic links",
        "c.yaml:1:1: E190: is not a regular file",
    ]


def test_a_name_that_cannot_be_printed_is_told_and_left_alone(jobs: Jobs) -> None:
    Path(os.fsdecode(os.fsencode(jobs.root) + b"/caf\xe9.yaml")).write_text(manifest("cafe"))
    jobs.write("café.yaml", manifest("cafe"))
    found = jobs.scan()
    assert [str(each) for each in found.problems] == [
        "caf\\udce9.yaml:1:1: E192: has a name that is not UTF-8: rename it"
    ]
    assert [each.path for each in found.changed] == ["café.yaml", "ndvi.yaml"]


def test_folders_may_be_nested_but_not_without_end(jobs: Jobs) -> None:
    jobs.write("/".join("a" * 64) + "/deep.yaml", manifest("deep", "deep.js"))
    jobs.write("/".join("b" * 66) + "/deeper.yaml", manifest("deeper", "deeper.js"))
    found = jobs.scan()
    assert [each.path.rpartition("/")[2] for each in found.changed] == ["deep.yaml", "ndvi.yaml"]
    assert [each.message for each in found.problems] == ["is more than 64 folders deep"]


def test_a_byte_order_mark_is_tolerated(jobs: Jobs) -> None:
    jobs.write("ndvi.yaml", b"\xef\xbb\xbf" + manifest("ndvi").encode())
    jobs.write("ndvi.js", b"\xef\xbb\xbf" + SCRIPT.encode())
    (file,) = jobs.scan().changed
    assert isinstance(file.documents[0], ValidManifest)
    assert file.documents[0].request.body["evalscript"] == SCRIPT


def test_two_files_with_one_status_file_are_both_refused_until_one_goes(jobs: Jobs) -> None:
    jobs.scan()
    jobs.write("ndvi.json", "{}")
    assert jobs.reported() == [
        f"ndvi.json:1:1: E191: shares its status file with ndvi.yaml: {OR_LIST}",
        f"ndvi.yaml:1:1: E191: shares its status file with ndvi.json: {OR_LIST}",
    ]
    assert jobs.changed() == []
    (jobs.root / "ndvi.json").unlink()
    found = jobs.scan()
    assert found.gone == {"ndvi.json"}
    assert [(each.path, type(each.documents[0])) for each in found.changed] == [("ndvi.yaml", ValidManifest)]


def test_a_removed_manifest_is_gone_and_so_is_the_script_nobody_uses(jobs: Jobs) -> None:
    jobs.write("other.yaml", manifest("other", "other.js"))
    jobs.write("other.js", SCRIPT)
    jobs.scan()
    (jobs.root / "ndvi.yaml").unlink()
    assert jobs.scan().gone == {"ndvi.yaml", "ndvi.js"}
    assert {record.path for record in jobs.known} == {"other.yaml", "other.js"}


def test_a_moved_manifest_is_gone_here_and_new_there(jobs: Jobs) -> None:
    jobs.scan()
    (jobs.root / "ndvi.yaml").rename(jobs.root / "moved.yaml")
    found = jobs.scan()
    assert (found.gone, [each.path for each in found.changed]) == ({"ndvi.yaml"}, ["moved.yaml"])


def test_a_missing_or_empty_root_is_not_ready_and_changes_nothing(jobs: Jobs) -> None:
    jobs.scan()
    shutil.rmtree(jobs.root)
    assert jobs.scan().scan == Scan(ready=False, reason=f"{jobs.root} does not exist", records={})
    jobs.write("ndvi.status.yaml", "")
    jobs.write(".git/HEAD", "")
    assert jobs.scan().scan == Scan(ready=False, reason=f"{jobs.root} is empty", records={})


def test_a_root_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").write_text("")
    assert Jobs(tmp_path / "jobs.d").scan().scan.reason == f"{tmp_path}/jobs.d cannot be read: Not a directory"


def test_a_mounted_config_map_is_seen_when_it_is_swapped(tmp_path: Path) -> None:
    root = tmp_path / "jobs.d"
    for version, name in (("..v1", "one"), ("..v2", "two")):
        folder = root / version
        folder.mkdir(parents=True)
        (folder / "ndvi.yaml").write_text(manifest(name))
        (folder / "ndvi.js").write_text(SCRIPT)
    (root / "..data").symlink_to("..v1")
    (root / "ndvi.yaml").symlink_to("..data/ndvi.yaml")
    (root / "ndvi.js").symlink_to("..data/ndvi.js")
    jobs = Jobs(root)
    assert [document.name for each in jobs.scan().changed for document in each.documents] == ["one"]
    (root / "..new").symlink_to("..v2")
    (root / "..new").rename(root / "..data")
    assert [document.name for each in jobs.scan().changed for document in each.documents] == ["two"]


def test_a_root_that_is_a_link_is_followed_to_its_new_target(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        Jobs(tmp_path / version).write("ndvi.yaml", manifest(version))
        Jobs(tmp_path / version).write("ndvi.js", SCRIPT)
    (tmp_path / "current").symlink_to("v1")
    jobs = Jobs(tmp_path / "current")
    jobs.scan()
    (tmp_path / "next").symlink_to("v2")
    (tmp_path / "next").rename(tmp_path / "current")
    assert [document.name for each in jobs.scan().changed for document in each.documents] == ["v2"]


def test_links_that_lead_in_circles_end(jobs: Jobs) -> None:
    jobs.write("a/one.yaml", manifest("one", "../ndvi.js"))
    jobs.write("b/two.yaml", manifest("two", "../ndvi.js"))
    (jobs.root / "a/up").symlink_to("..")
    (jobs.root / "a/b").symlink_to("../b")
    (jobs.root / "b/a").symlink_to("../a")
    assert jobs.changed() == ["a/one.yaml", "b/two.yaml", "ndvi.yaml"]


def test_a_second_change_within_one_tick_of_the_clock_is_not_missed(jobs: Jobs) -> None:
    file = jobs.root / "ndvi.yaml"
    now = datetime.fromtimestamp(file.stat().st_ctime, UTC)
    first = see(jobs.root, Known(), now)
    seen = file.stat()
    file.write_text(manifest("nvdi"))
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    # What a coarse clock does: the second write has the stat of the first.
    known = Known(as_found(each, jobs.root) for each in first.records.values())
    assert [each.path for each in see(jobs.root, known, now).changed] == ["ndvi.yaml"]


def as_found(record: FileRecord, root: Path) -> FileRecord:
    """A record as if the file's change time had not moved since; one that was not trusted stays so."""
    found = (root / record.path).stat()
    trusted = record.ctime_ns != 0
    return FileRecord(
        path=record.path,
        kind=record.kind,
        size=found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns if trusted else 0,
        inode=found.st_ino,
        sha256=record.sha256,
        uses=record.uses,
    )


def test_an_old_file_is_trusted_at_once(jobs: Jobs) -> None:
    later = datetime.now(UTC) + timedelta(seconds=10)
    known = Known(see(jobs.root, Known(), later).records.values())
    assert see(jobs.root, known, later) == Seen(scan=Scan(ready=True, gone=set(), records={}, folders=1), changed=[])


def test_one_bad_file_does_not_touch_the_others(jobs: Jobs) -> None:
    for number in range(20):
        jobs.write(f"bad{number}.yaml", "a: [")
    documents = [document for each in jobs.scan().changed for document in each.documents]
    assert sum(isinstance(each, Broken) for each in documents) == 20
    assert [each.name for each in documents if isinstance(each, ValidManifest)] == ["ndvi"]


@pytest.mark.slow
def test_a_bulk_load_leaves_the_collector_as_it_was(jobs: Jobs) -> None:
    for number in range(1100):
        jobs.write(f"{number}.yaml", manifest(f"job-{number}"))
    frozen = gc.get_freeze_count()
    try:
        assert len(jobs.scan().changed) == 1101
        assert gc.isenabled()
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()


@pytest.mark.slow
def test_a_bulk_load_is_handed_on_in_portions(jobs: Jobs) -> None:
    """Ten thousand parsed manifests held at once took 300 MiB."""
    for number in range(1100):
        jobs.write(f"{number}.yaml", manifest(f"job-{number}"))
    portions: list[int] = []
    scan(jobs.root, Known(), lambda files: portions.append(len(files)))
    assert sum(portions) == 1101
    assert max(portions) <= 500


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root reads every folder, so for a moment we are somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_read_keeps_its_jobs() -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        jobs = Jobs(Path(folder))
        jobs.write("ndvi.yaml", manifest("ndvi"))
        jobs.write("ndvi.js", SCRIPT)
        jobs.write("a/one.yaml", manifest("one", "one.js"))
        jobs.write("a/one.js", SCRIPT)
        jobs.scan()
        (jobs.root / "a").chmod(0)
        with without_privileges():
            found = jobs.scan()
        (jobs.root / "a").chmod(0o700)
    assert [str(each) for each in found.problems] == ["a:1:1: E193: cannot be read: Permission denied"]
    assert (found.changed, found.gone) == ([], set())
