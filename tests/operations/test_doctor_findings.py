"""How what was seen is judged: ok, doubtful or broken."""

import pytest

from controller.operations.doctor.findings import (
    CLOCK_BEARABLE,
    CLOCK_EXACT,
    LITTLE_SPACE,
    CheckResult,
    clock,
    policy,
    python,
    space,
)

OK, WARN, FAIL = CheckResult.OK, CheckResult.WARN, CheckResult.FAIL


@pytest.mark.parametrize(
    ("ahead", "health", "words"),
    [
        pytest.param(0.0, OK, "agrees with the service's", id="the same"),
        pytest.param(CLOCK_EXACT, OK, "agrees with the service's", id="as exact as the header is"),
        pytest.param(60.0, WARN, "this machine is 60 s behind the service", id="behind by a minute"),
        pytest.param(-60.0, WARN, "this machine is 60 s ahead of the service", id="ahead by a minute"),
        pytest.param(CLOCK_BEARABLE + 1, FAIL, "this machine is 301 s behind the service", id="behind too far"),
        pytest.param(-86400.0, FAIL, "this machine is 86,400 s ahead of the service", id="ahead by a day"),
    ],
)
def test_a_clock_is_judged_by_its_distance(ahead: float, health: CheckResult, words: str) -> None:
    diagnosis = clock(ahead)
    assert (diagnosis.health, diagnosis.message, bool(diagnosis.advice)) == (health, words, health is not OK)


@pytest.mark.parametrize(
    ("version", "health"),
    [((3, 10), WARN), ((3, 11), OK), ((3, 12), OK), ((3, 13), OK), ((3, 14), WARN), ((4, 0), WARN)],
)
def test_a_python_is_good_from_3_11_to_3_13(version: tuple[int, int], health: CheckResult) -> None:
    assert python(version, "told").health is health


def test_a_disk_that_is_about_to_be_full_is_told() -> None:
    assert space(LITTLE_SPACE, "state") is None
    diagnosis = space(1_000_000, "state")
    assert diagnosis is not None
    assert (diagnosis.health, diagnosis.message) == (WARN, "1 MB are left on the disk of state")


@pytest.mark.parametrize(
    ("missing", "health", "words"),
    [
        pytest.param((), OK, "lets the service read", id="everything"),
        pytest.param(("s3:ListBucket",), WARN, "does not allow s3:ListBucket", id="something is missing"),
        pytest.param(None, WARN, "there is none", id="no policy"),
    ],
)
def test_a_policy_is_judged_by_what_it_lacks(missing: tuple[str, ...] | None, health: CheckResult, words: str) -> None:
    diagnosis = policy("results", "arn:aws:iam::1:root", missing)
    assert (diagnosis.name, diagnosis.health, diagnosis.message) == ("policy of results", health, words)
    assert health is OK or "arn:aws:iam::1:root" in diagnosis.advice
