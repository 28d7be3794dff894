"""The terms of acceptance: whatever an appraisal reads beside the files is part of them, and nothing else is."""

from pathlib import Path

import pytest

from controller.analysis.terms import terms_of
from controller.settings.settings import Settings, settings_from

PLAIN = """\
deployment = "cdse"
[credentials.mine]
prefixes = ["s3://my-bucket/a", "s3://my-bucket/b"]
"""


def settings(text: str, **variables: str) -> Settings:
    return settings_from(text, source="shjobs.toml", environment=variables, base=Path(), read=Path.read_text)


BEFORE = terms_of(settings(PLAIN))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"cdse"', '"sentinel-hub"', id="another deployment, with other prices"),
        pytest.param('"cdse"\n', '"cdse"\nbaseUrl = "https://example.org"\n', id="another address"),
        pytest.param("credentials.mine", "credentials.yours", id="the credential has another name"),
        pytest.param(', "s3://my-bucket/b"', "", id="the credential may be used for less"),
        pytest.param('/b"]', '/b"]\nendpoint = "https://example.org"', id="the credential is for another store"),
        pytest.param('/b"]', '/b"]\nregion = "eu-west-1"', id="the credential is for another region"),
        pytest.param('"cdse"\n', '"cdse"\napprovalAbove = 100\n', id="approval is needed above another amount"),
        pytest.param('"cdse"\n', '"cdse"\nholdOn = ["warning"]\n', id="warnings hold a job"),
        pytest.param('"cdse"\n', '"cdse"\nlargeChangeJobs = 10\n', id="another number of jobs is a large change"),
        pytest.param('"cdse"\n', '"cdse"\nlargeChangeProcessingUnits = 10\n', id="another amount is a large change"),
    ],
)
def test_other_settings_are_other_terms(old: str, new: str) -> None:
    assert PLAIN.count(old) == 1
    assert terms_of(settings(PLAIN.replace(old, new))) != BEFORE


def test_another_program_means_other_terms() -> None:
    assert terms_of(settings(PLAIN), program="99.0") != BEFORE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('a", "s3://my-bucket/b', 'b", "s3://my-bucket/a', id="the same prefixes in another order"),
        pytest.param('"cdse"\n', '"cdse"\nmonthlyBudget = 5\n', id="a budget, which counts at each submission"),
        pytest.param('"cdse"\n', '"cdse"\nmaxRunning = 9\n', id="more places"),
        pytest.param('"cdse"\n', '"cdse"\nstate = "elsewhere"\n', id="another folder"),
    ],
)
def test_what_an_appraisal_does_not_read_changes_no_terms(old: str, new: str) -> None:
    assert terms_of(settings(PLAIN.replace(old, new))) == BEFORE


def test_a_renewed_key_changes_no_terms() -> None:
    keys = {"SHJOBS_CREDENTIALS_MINE_ACCESS_KEY": "a", "SHJOBS_CREDENTIALS_MINE_SECRET_ACCESS_KEY": "b"}
    assert terms_of(settings(PLAIN, **keys)) == BEFORE
