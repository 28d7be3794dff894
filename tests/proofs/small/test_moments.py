"""The proof of every moment, in small."""

from tests.proofs import moments


def test_moments_in_small() -> None:
    figures = moments.prove(7, small=True)
    assert (figures["moments"], figures["charged_twice"]) == (moments.SMALL, 0)
