"""docs/guarantees.md quotes the proofs as they ended: every figure equals the file it comes from."""

import json
import re
from pathlib import Path

import pytest

from tests.proofs.__main__ import PARTS
from tests.proofs.quotes import MARK, PAGE, Quote, figure_of, quotes, renewed
from tests.proofs.record import FOLDER, ROOT, record

TEXT = PAGE.read_text(encoding="utf-8")
QUOTES = list(quotes(TEXT))


@pytest.mark.parametrize("quote", QUOTES, ids=lambda quote: f"{quote.proof}.{quote.figure}")
def test_a_quoted_figure_equals_the_file(quote: Quote) -> None:
    assert quote.value == figure_of(quote.proof, quote.figure)


@pytest.mark.parametrize("proof", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_every_proof_is_quoted_and_says_how_it_was_made(proof: str) -> None:
    assert proof in PARTS
    assert any(quote.proof == proof for quote in QUOTES)
    document = json.loads((FOLDER / f"{proof}.json").read_text(encoding="utf-8"))
    assert document["proof"] == proof
    assert all(document[key] for key in ("commit", "date", "machine", "figures"))
    assert isinstance(document["seed"], int)


def test_no_figure_of_a_proof_stands_without_its_mark() -> None:
    """Every number in the column of figures is quoted, so that none grows old unnoticed."""
    lines = [line for line in TEXT.splitlines() if line.startswith("| ") and "-->" in line]
    assert lines
    bare = [MARK.sub("", line.split(" | ")[1]) for line in lines]
    assert [left for left in bare if re.search(r"\d", left)] == []


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(\.\./(tests/[\w/.]+)\)", TEXT))))
def test_every_test_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_figures_are_renewed_from_the_files_and_nothing_else_is_touched(tmp_path: Path) -> None:
    record("races", 7, {"pairs": 200, "double submissions": 0}, tmp_path)
    page = "| a | <!-- races.pairs -->4 pairs, <!-- races.double submissions -->? twice; 17 | b |"
    assert renewed(page, tmp_path) == (
        "| a | <!-- races.pairs -->200 pairs, <!-- races.double submissions -->0 twice; 17 | b |"
    )
    with pytest.raises(KeyError):
        renewed("<!-- races.nothing -->1", tmp_path)
    with pytest.raises(FileNotFoundError):
        renewed("<!-- kills.kills -->1", tmp_path)
