"""A small form of the outage proof; `make prove` has a thousand jobs wait for an hour of 502, scaled, to pass."""

import os

import pytest

from tests.proofs import outage

pytestmark = pytest.mark.slow
SEED = int(os.environ.get("PROOF_SEED", "1"))


def test_an_hour_of_502_leaves_a_handful_unconfirmed_and_the_rest_is_submitted_afterwards() -> None:
    figures = outage.hours_of_502(SEED, outage.SMALL)
    assert figures["submitted_by_themselves"] == 60 - int(str(figures["most_unconfirmed"]))


def test_a_line_that_breaks_after_the_post_was_read_never_sends_twice() -> None:
    assert outage.broken_lines(SEED, repeats=1)["broken_lines_sent_twice"] == 0
