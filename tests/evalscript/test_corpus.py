"""At least 40 evalscripts that use every feature of the reference: no false error, and only the hints they deserve.

Each names its collections and its hints in its first comments; `pytest -k gases` runs one of them.
"""

from pathlib import Path

import pytest

from tests.support.scripts import CORPUS, JANUARY, accepted, appraised, of_the_script, remark, reported

SCRIPTS = sorted(CORPUS.glob("*.js"))


def test_the_corpus_is_large_enough() -> None:
    assert len(SCRIPTS) >= 40


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_of_the_corpus_draws_no_error_and_exactly_these_hints(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    responses = [
        (id, type)
        for id, type in (each.split(" ") for each in remark(text, "responses", "default image/tiff").split(", "))
    ]
    job = accepted(
        text, collections=remark(text, "collections", ""), times=remark(text, "range", JANUARY), responses=responses
    )
    found = appraised(job)
    assert reported(found.problems) == []
    hints = [each.code for each in of_the_script(found.warnings)]
    assert ", ".join(sorted(hints)) == remark(text, "hints", ""), reported(found.warnings)
