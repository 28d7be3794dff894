"""Comments that silence warnings: what counts as one, what it concerns, and what is wrong with it."""

import json
from dataclasses import replace

import pytest

from controller.analysis.ignores import (
    Comments,
    Ignore,
    apply_ignores,
    manifest_comments,
    needless,
    script_comments,
)
from controller.manifest.document import read_documents
from controller.manifest.document.comments import yaml_comments
from controller.manifest.validate import Script, ValidManifest, accept
from controller.model.errors import WARNINGS, Problem

FIRST, SECOND = sorted(WARNINGS)[:2]


@pytest.mark.parametrize(
    ("text", "comments"),
    [
        pytest.param("# one\na: 1\n", [((1, 1), " one")], id="on a line of its own"),
        pytest.param("a: 1  # one\nb: [1, # two\n 2]\n", [((1, 7), " one"), ((2, 8), " two")], id="behind something"),
        pytest.param("a: x#y\nb: 'z # no'\nc: \"z # no\"\n", [], id="not inside a value"),
        pytest.param("a: one\n  # no\n", [((2, 3), " no")], id="below a plain value"),
        pytest.param("a: |\n  # no\n  // no\n# yes\nb: 1\n", [((4, 1), " yes")], id="not inside a block, but below it"),
        pytest.param("a: | # yes\n  # no\n", [((1, 6), " yes")], id="behind the sign that begins a block"),
        pytest.param("a: >- # yes\n  # no", [((1, 7), " yes")], id="a folded block at the end of the text"),
        pytest.param("a: |", [], id="a block without a line"),
        pytest.param("ä: é # ü\n", [((1, 6), " ü")], id="columns count characters"),
        pytest.param("# one\na: [\n# two\n", [((1, 1), " one")], id="nothing behind a mistake counts"),
        pytest.param("# one\r\na: 1\r\n# two\r\n", [((1, 1), " one"), ((3, 1), " two")], id="with Windows line ends"),
        pytest.param("a: 1\n---\n# two\nb: 1\n", [((3, 1), " two")], id="in a second document"),
        pytest.param("", [], id="an empty text"),
    ],
)
def test_comments_of_yaml_are_found_where_they_stand(text: str, comments: list[tuple[tuple[int, int], str]]) -> None:
    assert list(yaml_comments(text)) == comments


def ignores(line: int, column: int, *codes: str, path: str = "a.yaml") -> tuple[Ignore, ...]:
    return tuple(Ignore(path=path, line=line, column=column, code=code) for code in codes)


def error(code: str, message: str) -> Problem:
    return Problem(path="a.yaml", line=1, column=1, code=code, message=message)


EXAMPLE = "write for example `shjobs: ignore W012 all scenes are meant`"


COMMENTS = {
    "a code and a reason": (f"# shjobs: ignore {FIRST} one season", [FIRST], []),
    "a colon behind the code": (f"#shjobs:ignore {FIRST}: so be it", [FIRST], []),
    "two codes": (f"# shjobs: ignore {FIRST}, {SECOND} so be it", [FIRST, SECOND], []),
    "a band is no code": (f"# shjobs: ignore {FIRST} {SECOND} B04 is used", [FIRST, SECOND], []),
    "a sentence about shjobs": ("# shjobs reads this file", [], []),
    "another sentence": ("# shjobs: the controller of our rasters", [], []),
    "not at the beginning of a comment": (f"# please, shjobs: ignore {FIRST} x", [], []),
    "nothing named": ("# shjobs: ignore", [], [error("W900", f"names no warning: {EXAMPLE}")]),
    "a reason alone": ("# shjobs: ignore the clouds", [], [error("W900", f"names no warning: {EXAMPLE}")]),
    "misspelt": (f"# shjobs: ignroe {FIRST} x", [], [error("W900", f"`shjobs: ignroe` is not known: {EXAMPLE}")]),
    "an error": (
        "# shjobs: ignore E204 x",
        [],
        [
            error(
                "W901", "E204 is an error and cannot be silenced: fix what it reports, and remove it from this comment"
            )
        ],
    ),
    "a warning about comments": (
        "# shjobs: ignore W904 x",
        [],
        [
            error(
                "W901",
                "W904 is about such comments and cannot be silenced: fix what it reports, and remove it from this "
                "comment",
            )
        ],
    ),
    "without a reason": (f"# shjobs: ignore {FIRST}", [FIRST], [error("W903", f"gives no reason: {EXAMPLE}")]),
    "signs alone": (f"# shjobs: ignore {FIRST}: --", [FIRST], [error("W903", f"gives no reason: {EXAMPLE}")]),
    "a code that stands twice counts once": (f"# shjobs: ignore {FIRST}, {FIRST} twice", [FIRST], []),
}


@pytest.mark.parametrize(("comment", "codes", "errors"), COMMENTS.values(), ids=COMMENTS)
def test_a_comment_is_understood_or_told(comment: str, codes: list[str], errors: list[Problem]) -> None:
    found = manifest_comments(f"{comment}\na: 1\n", "a.yaml")
    has_reason = "W903" not in [each.code for each in errors]
    read = tuple(replace(each, has_reason=has_reason) for each in ignores(1, 1, *codes))
    assert found == Comments(ignores=read, errors=tuple(errors))
    assert [each.code for each in found.errors] == [each.code for each in errors]


@pytest.mark.parametrize("code", ["W102", "W9999", "w001", "E2"])
def test_an_unknown_code_is_told_and_silences_nothing(code: str) -> None:
    found = manifest_comments(f"# shjobs: ignore {code} x\n", "a.yaml")
    message = f"there is no warning {code}: write the code as reported, or remove it"
    assert ([(each.code, each.message) for each in found.errors], found.ignores) == ([("W902", message)], ())


def test_a_json_manifest_has_no_comments() -> None:
    assert manifest_comments(f'{{"a": "# shjobs: ignore {FIRST} x"}}', "a.json") == Comments()


def job(script: str, *, inline: bool = True, path: str = "sub/a.yaml") -> ValidManifest:
    """A manifest with this script, inline as a block or in a file beside the folder."""
    body = {
        "input": {"bounds": {"bbox": [1, 2, 3, 4]}, "data": [{"type": "dem"}]},
        "output": {
            "width": 5,
            "height": 5,
            "delivery": {"s3": {"url": "s3://my-bucket", "credentialsRef": "my-bucket"}},
        },
    }
    whole = {"apiVersion": "shjobs/v1", "kind": "AsyncProcess", "metadata": {"name": "a"}}
    if path.endswith(".json"):
        text = json.dumps({**whole, "spec": {"request": {**body, "evalscript": script}}}, indent=1)
    else:
        block = "".join(f"      {line}\n" for line in script.splitlines())
        where = f"    evalscript: |\n{block}" if inline else "  evalscriptFile: ../a.js\n"
        head = json.dumps(whole)[1:-1].replace(', "', '\n"')
        request = "".join(f"    {key}: {json.dumps(value)}\n" for key, value in body.items())
        text = f"{head}\nspec:\n  request:\n{request}{where}"
    [document] = read_documents(text, path)
    read = None if inline else Script(path="a.js", text=script)
    found = accept(document, path, read)
    assert isinstance(found, ValidManifest), found.problems
    return found


SCRIPT = f"//VERSION=3\n  // shjobs: ignore {FIRST} x\nfunction evaluatePixel() {{ return [1]; }}\n"


@pytest.mark.parametrize(
    ("item", "place"),
    [
        pytest.param(job(SCRIPT), ("sub/a.yaml", 10, 5), id="inline: at its line of the manifest"),
        pytest.param(job(SCRIPT, inline=False), ("a.js", 2, 3), id="in a file: at its own place"),
        pytest.param(job(SCRIPT, path="sub/a.json"), ("sub/a.json", 34, 4), id="in JSON: where the script stands"),
    ],
)
def test_a_comment_of_a_script_has_its_place(item: ValidManifest, place: tuple[str, int, int]) -> None:
    path, line, column = place
    assert script_comments(item) == Comments(ignores=ignores(line, column, FIRST, path=path))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f'const a = "// shjobs: ignore {FIRST} x";', id="in a string"),
        pytest.param(f"const a = `\n// shjobs: ignore {FIRST} x\n`;", id="in a template"),
        pytest.param(f"// see // shjobs: ignore {FIRST} x", id="behind another comment"),
    ],
)
def test_what_only_looks_like_a_comment_of_a_script_counts_for_nothing(line: str) -> None:
    assert script_comments(job(f"//VERSION=3\n{line}\n", inline=False)) == Comments()


def warning(code: str, line: int = 5) -> Problem:
    return Problem(path="a.js", line=line, column=1, code=code, message="doubtful")


def test_what_is_silenced_is_taken_out_and_the_comment_counts_as_used() -> None:
    first, second = Comments(ignores=ignores(1, 1, FIRST)), Comments(ignores=ignores(2, 1, SECOND, path="a.js"))
    found = apply_ignores([warning(FIRST), warning("W199"), warning(FIRST, 9)], [first, second])
    assert (found.warnings, found.used, found.idle) == ((warning("W199"),), first.ignores, second.ignores)


def test_what_is_silenced_without_a_reason_stays_unexplained() -> None:
    bare = manifest_comments(f"# shjobs: ignore {FIRST}\n", "a.yaml")
    other = manifest_comments(f"# shjobs: ignore {SECOND} so be it\n", "a.yaml")
    found = apply_ignores([warning(FIRST), warning(SECOND)], [bare, other])
    assert ([each.code for each in found.warnings], found.unexplained) == (["W903"], (warning(FIRST),))
    again = manifest_comments(f"# shjobs: ignore {FIRST} so be it\n", "a.yaml")
    assert apply_ignores([warning(FIRST)], [bare, again]).unexplained == ()


def test_the_flaws_of_comments_stand_among_the_warnings() -> None:
    comments = Comments(errors=(error("W903", "gives no reason"),))
    assert apply_ignores([warning(FIRST)], [comments]).warnings == (warning(FIRST), error("W903", "gives no reason"))


def test_a_comment_is_needless_when_no_document_needs_it() -> None:
    used, idle, doubtful = ignores(1, 1, FIRST), ignores(2, 1, SECOND), ignores(3, 1, SECOND, path="b.yaml")
    reported = needless(used, [*used, *idle, *idle, *doubtful], {"b.yaml"})
    assert [str(each) for each in reported] == [f"a.yaml:2:1: W904: there is no {SECOND} here to silence: remove it"]
