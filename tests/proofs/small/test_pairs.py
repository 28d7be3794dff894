"""The proof that two controllers with states of their own pay once, in small."""

import pytest

from tests.proofs import pairs

pytestmark = pytest.mark.slow


def test_pairs_in_small() -> None:
    figures = pairs.prove(7, small=True)
    assert (figures["pairs"], figures["charges"], figures["double_charges"]) == (pairs.SMALL, pairs.SMALL, 0)
