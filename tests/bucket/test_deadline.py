"""The time that the responses of one operation may take together."""

from types import SimpleNamespace

import pytest

from controller.bucket.reader import Deadline


@pytest.mark.parametrize(
    ("pause", "overslept", "left"),
    [
        pytest.param(0.25, 0.0, 0.75, id="what is left after a pause"),
        pytest.param(0.25, 2.0, 0.0, id="none, when the pause took longer than it should"),
        pytest.param(1.0, 0.0, 0.0, id="none, when the pause would use it up: it is not made"),
    ],
)
def test_what_is_left_after_a_pause(
    monkeypatch: pytest.MonkeyPatch, pause: float, overslept: float, left: float
) -> None:  # fmt: skip
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds + overslept

    monkeypatch.setattr("controller.bucket.reader.time", SimpleNamespace(sleep=sleep))
    assert Deadline(1.0, lambda: now[0]).after(pause) == left
    assert (now[0] > 0) == (pause < 1.0)
