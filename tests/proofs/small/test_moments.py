"""The proof of every moment, in small."""

import pytest

from tests.proofs import moments

pytestmark = pytest.mark.slow


def test_moments_in_small() -> None:
    figures = moments.prove(7, small=True)
    assert (figures["moments"], figures["charged_twice"]) == (moments.SMALL, 0)
