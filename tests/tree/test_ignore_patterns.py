"""The patterns of an ignore list: what git itself says of them, and in linear time."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from controller.tree.ignore.automaton import IgnoreList
from controller.tree.ignore.pattern import PatternError, read_pattern

PATHS = [
    *("a", "b", "ab", "a.json", "b.json", "#a", "!a", "a b", "a ", "a-c", "a]", "[a", "a\\b", "*", "A", "1"),
    *("a/b", "a/a.json", "b/a", "b/a.json", "c/a/b", "c/a/a.json", "c/d/a/b", "c/d/b", "c/b"),
    *("docs/x/a.json", "ab/a/ab"),
]


def ignored(lines: Sequence[str], path: str) -> bool:
    """Whether a path, a folder above it included, is ignored by these lines."""
    patterns = []
    for line in lines:
        try:
            patterns.append(read_pattern(line))
        except PatternError:
            continue
    found = IgnoreList(filter(None, patterns))
    state = found.begin
    *folders, name = path.split("/")
    for folder in folders:
        state = found.feed(state, folder)
        if found.verdict(state, is_folder=True):
            return True
        state = found.feed(state, "/")
    return bool(found.verdict(found.feed(state, name), is_folder=False))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("git")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["a"], id="a name at any depth"),
        pytest.param(["/a"], id="only beside the list"),
        pytest.param(["a/"], id="only folders"),
        pytest.param(["c/a"], id="a slash in the middle ties it to the list"),
        pytest.param(["c/a/"], id="a folder below the list"),
        pytest.param(["*.json"], id="a star"),
        pytest.param(["/*.json"], id="a star beside the list"),
        pytest.param(["c/*"], id="a star crosses no slash"),
        pytest.param(["c/*/b"], id="a star for one folder"),
        pytest.param(["?"], id="any one letter"),
        pytest.param(["[ab].json"], id="one of a class"),
        pytest.param(["[!a].json"], id="none of a class"),
        pytest.param(["[^a].json"], id="none of a class, written as in regular expressions"),
        pytest.param(["[a-c]"], id="a range"),
        pytest.param(["a[]]"], id="a bracket in a class"),
        pytest.param(["a[-]c", "[\\[]a"], id="a hyphen and an escaped bracket in classes"),
        pytest.param(["[[:ab]", "[[:]/*", "[:b:]"], id="classes that look like named ones"),
        pytest.param(["[[:digit:]]", "[[:upper:]x]"], id="named classes"),
        pytest.param(["[[:nothing:]]", "[a", "a\\"], id="patterns that match nothing"),
        pytest.param(["**/b"], id="in every folder"),
        pytest.param(["c/**/b"], id="any number of folders between"),
        pytest.param(["c/**"], id="everything inside"),
        pytest.param(["**/a/**"], id="everything inside any"),
        pytest.param(["**"], id="everything"),
        pytest.param(["**/"], id="every folder"),
        pytest.param(["a**b", "c**"], id="stars that stand not alone are one star"),
        pytest.param(["# a", "#a"], id="comments"),
        pytest.param(["\\#a", "\\!a"], id="escaped beginnings"),
        pytest.param(["a   ", "", "   "], id="spaces at the end and blank lines"),
        pytest.param(["a\\ "], id="an escaped space at the end"),
        pytest.param(["a b"], id="a space within"),
        pytest.param(["\\*", "a\\\\b"], id="an escaped star and backslash"),
        pytest.param(["*.json", "!a.json"], id="an exception"),
        pytest.param(["!a.json", "*.json"], id="an exception that comes too early"),
        pytest.param(["docs/", "!docs/x/a.json"], id="no exception below an ignored folder"),
        pytest.param(["/*", "!/c", "/c/*", "!/c/a"], id="everything but one folder"),
        pytest.param(["a\r", "b.json\r"], id="line ends of Windows"),
        pytest.param(["/", "!", "//", "a//b"], id="nothing named"),
    ],
)
def test_it_is_what_git_ignores(repository: Path, lines: list[str]) -> None:
    (repository / ".gitignore").write_bytes("\n".join(lines).encode())
    command = ["git", "-C", str(repository), "check-ignore", "--no-index", "-z", "--stdin"]
    answered = subprocess.run(command, input="\0".join(PATHS).encode(), capture_output=True, check=False).stdout
    assert [path for path in PATHS if ignored(lines, path)] == answered.decode().split("\0")[:-1]


def test_a_letter_is_one_letter_however_many_bytes_it_has() -> None:
    """Git would want two question marks for it."""
    assert ignored(["caf?.json"], "café.json")
    assert ignored(["[à-ü]*"], "été.json")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("*a" * 120 + "b", id="stars"),
        pytest.param("**/a/" * 50 + "b", id="folders"),
        pytest.param("*[ab]?" * 40 + "c", id="stars and classes"),
        pytest.param("a" * 250 + "b", id="letters"),
    ],
)
def test_no_pattern_takes_long(line: str) -> None:
    """As a regular expression the first takes longer than the universe is old."""
    pattern = read_pattern(line)
    assert pattern
    found = IgnoreList([pattern] * 60)
    began = time.process_time()
    state = found.begin
    for _ in range(20):
        state = found.feed(state, "a" * 250 + "/")
    assert found.verdict(state, is_folder=True) is None
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("line", "matches"),
    [
        pytest.param("[b-dc-fa]", "abcdef", id="ranges that overlap"),
        pytest.param("[a-bc-d]", "abcd", id="ranges that meet"),
        pytest.param("[d-bx]", "dx", id="a range that goes backwards"),
        pytest.param("[!b-y]", "az", id="none of a range"),
        pytest.param("[[:xdigit:]g]", "abcdefg", id="a named class beside a letter"),
    ],
)
def test_a_class_is_the_letters_of_its_ranges(line: str, matches: str) -> None:
    assert [letter for letter in "abcdefghijklmnopqrstuvwxyz" if ignored([line], letter)] == list(matches)


def test_many_classes_take_no_longer_than_one() -> None:
    """Each of sixteen thousand was asked for every letter: forty files with long names held every scan for minutes."""
    pattern = read_pattern("[b]" * 16_000)
    assert pattern
    found = IgnoreList([pattern])
    began = time.process_time()
    for first in range(0x4E00, 0x4E00 + 80 * 40, 80):
        found.feed(found.begin, "".join(map(chr, range(first, first + 80))))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("line", ["[" + "[:" * 32_000, "[" + "[:x" * 20_000 + "]"])
def test_a_class_with_many_colons_is_read_at_once(line: str) -> None:
    """Every one of them was searched for its end: half a minute for a list as long as one may be."""
    began = time.process_time()
    with suppress(PatternError):
        read_pattern(line)
    assert time.process_time() - began < 4
