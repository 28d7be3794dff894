"""A small form of the proof that the four documented jobs are delivered as declared, and paid for once.

`make prove PARTS=demo` takes them at their documented sizes.
"""

import pytest

from tests.proofs import demo

pytestmark = pytest.mark.slow


def test_the_documented_jobs_are_delivered_as_declared_and_a_second_demo_posts_nothing() -> None:
    figures = demo.prove(0, small=True)
    assert figures == {"jobs": 4, "megapixels": 0.1, "posts": 4, "posts_of_later_runs": 0}
