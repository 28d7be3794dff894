"""A few runs of the crash proof with a fixed seed; `make prove` runs all of it. PROOF_SEED chooses another seed."""

import os

import pytest

from tests.proofs import crash, lives
from tests.proofs.traced import calls_in, why_not

SEED = int(os.environ.get("PROOF_SEED", "3"))


@pytest.mark.slow
@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
def test_a_program_killed_anywhere_pays_once_and_ends_as_promised() -> None:
    figures = crash.prove(SEED, small=True)
    assert figures["killed at the named call"] == figures["runs"] == 4
    assert figures["most charges in one run"] == 1


LOG = """\
7 openat(AT_FDCWD</x>, "/x/jobs.d/ndvi.yaml", O_RDONLY|O_CLOEXEC) = 3</x/jobs.d/ndvi.yaml>
7 openat(AT_FDCWD</x>, "/x/state/lock", O_RDWR|O_CREAT|O_APPEND|O_CLOEXEC, 0666) = 3</x/state/lock>
7 write(3</x/state/lock>, "process 7", 9) = 9
8 sendto(4<TCP:[1]>, "POST", 4, 0, NULL, 0 <unfinished ...>
7 write(2<pipe:[2]>, "ndvi  Pending", 13) = 13
8 <... sendto resumed>)             = 4
7 write(5</x/jobs.d/.ndvi.status.yaml.tmp>, "phase", 5) = ?
8 +++ killed by SIGKILL +++
7 +++ killed by SIGKILL +++
"""


def test_only_calls_on_state_status_and_sockets_are_died_at() -> None:
    assert lives.targets(calls_in(LOG)) == [
        lives.Target(name="openat", nth=2, ordinal=1),
        lives.Target(name="write", nth=1, ordinal=1),
        lives.Target(name="sendto", nth=1, ordinal=1),
        lives.Target(name="write", nth=3, ordinal=2),
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(lives.Target(name="write", nth=3, ordinal=2), True, id="the named call"),
        pytest.param(lives.Target(name="write", nth=3, ordinal=3), False, id="another call in its place"),
        pytest.param(lives.Target(name="write", nth=1, ordinal=1), False, id="a call that returned"),
        pytest.param(lives.Target(name="rename", nth=1, ordinal=1), False, id="a call that never came"),
    ],
)
def test_a_run_counts_only_if_it_died_at_the_named_call(target: lives.Target, expected: bool) -> None:
    assert lives.died_at(target, calls_in(LOG)) is expected
