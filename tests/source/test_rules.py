"""Which commits may be in force, as tables of their files and links."""

import pytest

from controller.source import rules
from controller.source.refusal import RefusedCommitError
from controller.source.rules import LARGEST_WRITTEN, check_content, check_files, check_links
from controller.tree.git.objects import LINK, TreeFile

COMMIT = "1234567890" * 4
SHORT = "commit 1234567890"


def file(path: str, size: int = 10, mode: str = "100644") -> TreeFile:
    return TreeFile(mode=mode, blob="0" * 40, path=path, size=size)


REFUSED = [
    pytest.param([], "has no file below jobs.d: check git.path and git.ref", id="no file at all"),
    pytest.param([file("jobs.d", mode=LINK)], "jobs.d is a link, not a folder", id="the folder is a link"),
    pytest.param([file("jobs.d")], "jobs.d is a file, not a folder", id="the folder is a file"),
    pytest.param([file("jobs.d/../x")], "cannot be named 'jobs.d/../x'", id="a name that leads up"),
    pytest.param([file("jobs.d/./x")], "cannot be named", id="a name that is a dot"),
    pytest.param([file("/etc/passwd")], "cannot be named", id="a name from the root"),
    pytest.param([file("jobs.d//x")], "cannot be named", id="an empty part"),
    pytest.param([file("jobs.d/.git/config")], "cannot be named", id="a git directory"),
    pytest.param([file("jobs.d/.GIT/config")], "cannot be named", id="a git directory where case does not count"),
    pytest.param([file("jobs.d/a\nb")], r"cannot be named 'jobs.d/a b'", id="a control character"),
    pytest.param([file("jobs.d/a\x1b[2J")], "cannot be named", id="an escape sequence"),
    pytest.param([file("jobs.d/a\\b")], "cannot be named", id="a backslash"),
    pytest.param([file("jobs.d/x"), file("jobs.d/x")], "names a file of jobs.d twice", id="one name twice"),
    pytest.param([file(f"jobs.d/{each}") for each in range(6)], "has 6 files below jobs.d; at most 5", id="too many"),
    pytest.param([file("jobs.d/a", 600), file("jobs.d/b", 600)], "more than 1,000 bytes", id="too many bytes"),
]


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_FILES", 5)
    monkeypatch.setattr(rules, "MOST_BYTES", 1000)


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize(("files", "sentence"), REFUSED)
def test_a_commit_is_refused_that_has(files: list[TreeFile], sentence: str) -> None:
    with pytest.raises(RefusedCommitError) as caught:
        check_files(files, "jobs.d", COMMIT)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(SHORT)
    assert str(caught.value).isprintable()


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize(
    "files",
    [
        pytest.param([file("jobs.d/a.yaml"), file("jobs.d/sub/é b.yaml")], id="files in folders"),
        pytest.param([file("jobs.d/.gitignore"), file("jobs.d/..x"), file("jobs.d/x.git")], id="names with dots"),
        pytest.param([file("jobs.d/a.tif", LARGEST_WRITTEN + 1)], id="a large file, which gets only its size"),
        pytest.param([file("jobs.d/\udcff.yaml")], id="a name that is not UTF-8"),
    ],
)
def test_a_commit_may_have(files: list[TreeFile]) -> None:
    check_files(files, "jobs.d", COMMIT)


LINKS = [
    pytest.param({"jobs.d/a": "b"}, True, id="a file beside it"),
    pytest.param({"jobs.d/sub/a": "../b"}, True, id="a file above it"),
    pytest.param({"jobs.d/a": "nowhere/b"}, True, id="nothing, but in the folder"),
    pytest.param({"jobs.d/a": "sub/../b"}, True, id="a file by a detour"),
    pytest.param({"jobs.d/a": "a"}, True, id="itself"),
    pytest.param({"jobs.d/a": "."}, True, id="the folder itself"),
    pytest.param({"jobs.d/a": "/etc/passwd"}, False, id="a file of the machine"),
    pytest.param({"jobs.d/a": "../x"}, False, id="another folder of the repository"),
    pytest.param({"jobs.d/a": "../jobs.d/x"}, False, id="the folder by way of the one above it"),
    pytest.param({"jobs.d/a": "../../../x"}, False, id="a folder above the repository"),
    pytest.param({"jobs.d/a": "sub/../../x"}, False, id="another folder by a detour"),
    pytest.param({"jobs.d/a": "sub/x", "jobs.d/sub": "/etc"}, False, id="a link that leads out"),
    pytest.param({"jobs.d/deep/a": "up/up/x", "jobs.d/deep/up": "..", "jobs.d/up": "../"}, False, id="links up"),
    pytest.param({"jobs.d/a": "x/" * 3000}, False, id="a name longer than the kernel allows"),
]


@pytest.mark.parametrize(("aims", "is_allowed"), LINKS)
def test_a_link_may_lead_to(aims: dict[str, str], is_allowed: bool) -> None:
    if is_allowed:
        check_links(aims, "jobs.d", COMMIT)
    else:
        with pytest.raises(
            RefusedCommitError, match=rf"{SHORT}: the link 'jobs\.d/.*' leads out of jobs\.d: remove it"
        ):
            check_links(aims, "jobs.d", COMMIT)


def test_when_all_of_a_repository_is_the_tree_its_top_is_the_limit() -> None:
    check_links({"sub/a": "../b"}, ".", COMMIT)
    with pytest.raises(RefusedCommitError):
        check_links({"sub/a": "../../b"}, ".", COMMIT)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n"


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.json", "a.js", "a.geojson", "A.YAML"])
def test_a_file_that_would_be_read_must_not_be_a_pointer(name: str) -> None:
    with pytest.raises(RefusedCommitError, match=f"'jobs.d/{name}' is kept in Git LFS, which is not fetched"):
        check_content(file(f"jobs.d/{name}", len(POINTER)), POINTER, COMMIT)


def test_a_pointer_that_no_one_reads_is_a_file_like_any() -> None:
    check_content(file("jobs.d/a.tif", len(POINTER)), POINTER, COMMIT)
    check_content(file("jobs.d/a.yaml"), b"kind: AsyncProcess", COMMIT)
