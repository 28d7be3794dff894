"""The limits of a file, a script and a tree: each is refused at its place, with what to do, and soon."""

import time
from pathlib import Path

import pytest

from controller.manifest.document import MOST_DOCUMENTS, MOST_PROBLEMS, read_documents
from controller.manifest.validate import LARGEST_SCRIPT, Broken
from controller.tree.declared import declarations
from controller.tree.scan import load
from tests.conftest import Workspace, ndvi

MINIMAL = "---\na: 1\n"


def words(text: str, path: str = "a.yaml") -> list[str]:
    """Everything that is wrong with the last document of a text."""
    return [str(problem) for problem in read_documents(text, path)[-1].problems]


def test_as_many_documents_as_allowed_are_read() -> None:
    assert len(read_documents(MINIMAL * MOST_DOCUMENTS, "a.yaml")) == MOST_DOCUMENTS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "path", "reported"),
    [
        pytest.param(
            MINIMAL * 110_000, "a.yaml",
            "a.yaml:2001:1: E100: is one document too many: a file may hold 1000, so split it", id="documents",
        ),
        pytest.param(
            "---\n" * 200_000, "a.yaml",
            "a.yaml:1001:1: E100: is one document too many: a file may hold 1000, so split it", id="empty documents",
        ),
        pytest.param(
            "- 1\n" * 240_000, "a.yaml",
            "a.yaml:199999:3: E100: is one value too many: a file may hold 200000, so split it", id="values",
        ),
        pytest.param(
            "[" + "1,\n" * 300_000 + "1]", "a.json",
            "a.json:199999:1: E100: is one value too many: a file may hold 200000, so split it", id="JSON",
        ),
        pytest.param(
            "a: &a 1\n" * 100_000, "a.yaml",
            "a.yaml:51:4: E100: is wrong, as are 100 places before it: mend those first", id="mistakes",
        ),
    ],
)  # fmt: skip
def test_a_file_beyond_the_limits_is_refused_where_it_goes_beyond(text: str, path: str, reported: str) -> None:
    assert words(text, path)[-1] == reported


def unknown_keys(count: int) -> str:
    return ndvi() + "".join(f"  k{number}: 1\n" for number in range(count))


def empty_values(count: int) -> str:
    return ndvi() + "".join(f"  k{number}:\n" for number in range(count))


def secrets(count: int) -> str:
    return ndvi() + "  k:\n" + "".join(f"    - {{accessKey: secret-{number}}}\n" for number in range(count))


@pytest.mark.slow
@pytest.mark.parametrize("made", [unknown_keys, empty_values, secrets])
def test_of_very_many_mistakes_the_first_are_listed_and_soon(tmp_path: Path, made: object) -> None:
    assert callable(made)
    took = []
    for count in (200, 20_000):
        (tmp_path / "a.yaml").write_text(made(count))
        began = time.process_time()
        [file] = load(tmp_path)
        took.append(time.process_time() - began)
        [document] = file.documents
        assert isinstance(document, Broken)
        assert len(document.problems) == MOST_PROBLEMS + 1
        assert any("more is wrong than these 100 mistakes" in str(each) for each in document.problems)
        assert "secret-1" not in str(document.problems)
    assert took[1] < 400 * took[0], "the time grows faster than the file"


def test_a_script_beyond_its_limit_is_refused_in_a_file_and_inline(workspace: Workspace) -> None:
    long = "// " + "x" * LARGEST_SCRIPT
    inline = ndvi("inline").replace("function setup() {", f"{long}\n      function setup() {{")
    workspace.write("inline.yaml", inline)
    workspace.write("long.js", f"//VERSION=3\n{long}\n")
    in_file = ndvi("in-file").split("    evalscript: |")[0].replace("spec:\n", "spec:\n  evalscriptFile: long.js\n")
    workspace.write("in-file.yaml", in_file)
    reported = {name: str(document["manifest"]) for name, document in workspace.sync().items()}
    assert "E113" in reported["inline"] and "is larger than 262144 bytes" in reported["inline"]
    assert "E113" in reported["in-file"] and "long.js is larger than 262144 bytes" in reported["in-file"]
    assert workspace.posts() == 0


@pytest.mark.slow
def test_a_tree_beyond_its_limit_refuses_what_is_new(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declarations, "MOST_DOCUMENTS", 2)
    for number in range(3):
        workspace.write(f"job-{number}.yaml", ndvi(f"job-{number}", west=14 + number / 10))
    found = workspace.sync()
    assert [found[f"job-{number}"]["phase"] for number in range(2)] == ["Succeeded"] * 2
    assert "there are more than 2 documents in the tree" in str(found["None"]["manifest"])
    assert workspace.posts() == 2
