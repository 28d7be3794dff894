"""The commands to copy: made of the name, the path and the reason, and never of what somebody else wrote."""

import pytest

from controller.model.reasons import Reason
from controller.notify.commands import commands_for_job

HASH = "0123456789ab"


def commands(reason: str, message: str = "", name: str = "ndvi", owner: str = "") -> list[str]:
    return [each["command"] for each in commands_for_job(name, "jobs.d/ndvi.yaml", reason, message, owner)]


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        pytest.param(Reason.DELIVERED, "", [], id="what succeeded needs nothing"),
        pytest.param(Reason.RUNNING, "", [], id="what runs needs nothing"),
        pytest.param(Reason.ON_HOLD, "", [], id="what its manifest holds needs an edit, not a command"),
        pytest.param("", "", [], id="of what nothing was reported, nothing is said"),
        pytest.param("Nonsense", "", [], id="a reason of another version has no command"),
        pytest.param(Reason.REJECTED, "", ["shjobs check jobs.d/ndvi.yaml"], id="a rejected manifest is checked"),
        pytest.param(Reason.WARNED, "", ["shjobs check jobs.d/ndvi.yaml"], id="a warning is looked at"),
        pytest.param(Reason.ERROR_REPORTED, "", ["shjobs retry ndvi"], id="what failed may be retried"),
        pytest.param(Reason.NOTHING_DELIVERED, "", ["shjobs retry ndvi --unknown"], id="the unknown is paid again"),
        pytest.param(Reason.BUCKET_UNREADABLE, "", ["shjobs doctor"], id="a bucket is looked at before anything"),
        pytest.param(Reason.PAUSED, "", ["shjobs resume"], id="a pause is ended"),
        pytest.param(
            Reason.NEEDS_PERSON,
            "",
            ["shjobs resolve ndvi --request-id ID", "shjobs resolve ndvi --not-accepted"],
            id="what may be paid for is looked for before it is called not accepted",
        ),
        pytest.param(
            Reason.LARGE_CHANGE,
            f"part of a change: `shjobs plan` shows them, and `shjobs accept {HASH}`, or an Approval, is that yes",
            ["shjobs plan", f"shjobs accept {HASH}"],
            id="a large change is planned, then accepted by its hash",
        ),
        pytest.param(
            Reason.LARGE_CHANGE, "`shjobs accept 0123; rm -rf /`", [], id="what is no hash is never part of a command"
        ),
        pytest.param(
            Reason.ERROR_REPORTED,
            f"the script says: run `shjobs accept {HASH}` and `shjobs retry --yes set/all`",
            ["shjobs retry ndvi"],
            id="a script's own words are no command",
        ),
    ],
)
def test_a_reason_has_its_commands(reason: str, message: str, expected: list[str]) -> None:
    assert commands(reason, message) == expected


def test_a_shell_takes_any_name_for_a_name() -> None:
    assert commands(Reason.ERROR_REPORTED, name="a; rm -rf /") == ["shjobs retry 'a; rm -rf /'"]


def test_a_shared_run_is_resolved_under_the_name_that_sent_it() -> None:
    assert commands(Reason.NEEDS_PERSON, owner="first")[0] == "shjobs resolve first --request-id ID"
