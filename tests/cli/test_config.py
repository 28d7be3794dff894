"""`config show`: every setting, its value, and who decided it; no secret, whoever set it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from controller.settings.deployments import DEPLOYMENTS
from controller.settings.file import Written, WrittenCredential
from tests.support.command import shjobs

SECRETS = ("CANARY-client", "CANARY-access", "CANARY-key")
TOML = """\
deployment = "cdse"
maxRunning = 5
workers = 2
jobs = "manifests"
clientIdFile = "id"
clientSecretFile = "secret"

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
secretAccessKeyFile = "nowhere"
"""
VARIABLES = {
    "SHJOBS_WORKERS": "9",
    "SHJOBS_MONTHLY_BUDGET": "1500.5",
    "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "CANARY-access",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shjobs.toml").write_text(TOML)
    (tmp_path / "id").write_text("me\n")
    (tmp_path / "secret").write_text("CANARY-client\n")
    return tmp_path


def config(folder: Path, **variables: str) -> dict[str, Any]:
    done = shjobs("config", "show", "-o", "json", cwd=folder, environment=variables)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def entries(document: dict[str, Any]) -> dict[str, tuple[Any, str, str]]:
    return {each["key"]: (each["value"], each["origin"], each.get("from", "")) for each in document["settings"]}


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        pytest.param("deployment", ("cdse", "file", "shjobs.toml"), id="from the file"),
        pytest.param("maxRunning", (5, "file", "shjobs.toml"), id="a number from the file"),
        pytest.param("workers", (9, "variable", "SHJOBS_WORKERS"), id="a variable wins"),
        pytest.param("monthlyBudget", (1500.5, "variable", "SHJOBS_MONTHLY_BUDGET"), id="a variable alone"),
        pytest.param("settle", ("5s", "default", ""), id="a default"),
        pytest.param("statusDir", (None, "default", ""), id="nothing"),
        pytest.param("jobs", ("manifests", "file", "shjobs.toml"), id="a path"),
        pytest.param("baseUrl", (DEPLOYMENTS["cdse"].base_url, "profile", "cdse"), id="of the deployment"),
        pytest.param("clientId", ("me", "file", "id"), id="the client's id from its file"),
        pytest.param("clientSecret", ("***", "file", "secret"), id="a secret from its file"),
        pytest.param(
            "credentials.my-bucket.accessKey",
            ("***", "variable", "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY"),
            id="a secret from a variable",
        ),
        pytest.param(
            "credentials.my-bucket.secretAccessKey", (None, "file", "nowhere"), id="a secret whose file is missing"
        ),
        pytest.param(
            "credentials.my-bucket.endpoint", ("https://s3.waw3-1.cloudferro.com", "profile", "cdse"), id="an endpoint"
        ),
        pytest.param("credentials.my-bucket.defaultChain", (False, "default", ""), id="a switch nobody set"),
    ],
)
def test_a_setting_is_shown_with_whoever_decided_it(folder: Path, key: str, entry: tuple[Any, str, str]) -> None:
    assert entries(config(folder, **VARIABLES))[key] == entry


def test_every_setting_is_shown(folder: Path) -> None:
    held = {"clientSecret", "pageToken", "accessKey", "secretAccessKey"}
    files = {"clientIdFile", *(f"{each}File" for each in held)}  # told with what they hold
    plain = {to_camel(name) for name in Written.model_fields} - files - {"credentials", "git", "notify"} | {
        "clientSecret",
        "pageToken",
    }
    own = {to_camel(name) for name in WrittenCredential.model_fields} - files | {"accessKey", "secretAccessKey"}
    expected = plain | {f"credentials.my-bucket.{key}" for key in own - {"folder"}}
    assert entries(config(folder)).keys() == expected


def test_the_folder_of_the_sandbox_stands_in_for_endpoint_and_region(tmp_path: Path) -> None:
    (tmp_path / "shjobs.toml").write_text(
        'deployment = "sandbox"\n[credentials.a]\nprefixes = ["s3://a/"]\nfolder = "here"\n'
    )
    found = {key for key in entries(config(tmp_path)) if key.startswith("credentials.")}
    assert found == {f"credentials.a.{key}" for key in ("prefixes", "folder", "accessKey", "secretAccessKey")}


def test_without_a_file_the_defaults_are_shown(tmp_path: Path) -> None:
    document = config(tmp_path)
    assert document["source"] is None
    assert {origin for _, origin, _ in entries(document).values()} == {"default", "profile"}


@pytest.mark.parametrize("form", ["table", "json"])
def test_no_secret_is_shown(folder: Path, form: str) -> None:
    keys = {"SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "CANARY-key", "SHJOBS_CLIENT_SECRET": "CANARY-client"}
    done = shjobs("config", "show", "-o", form, cwd=folder, environment={**VARIABLES, **keys})
    assert "***" in done.stdout
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]


def test_the_table_says_the_same(folder: Path) -> None:
    done = shjobs("config", "show", cwd=folder, environment=VARIABLES)
    rows = {line.split()[0]: line.split(None, 1)[1].rstrip() for line in done.stdout.splitlines()}
    assert rows["workers"].split() == ["9", "SHJOBS_WORKERS"]
    assert rows["statusDir"].split() == ["not", "set", "default"]
    assert rows["baseUrl"].split()[1:] == ["profile", "cdse"]
    assert rows.keys() - {"SETTING"} == entries(config(folder)).keys()


def test_faulty_settings_are_told_instead(tmp_path: Path) -> None:
    (tmp_path / "shjobs.toml").write_text("maxRuning = 1")
    done = shjobs("config", "show", cwd=tmp_path)
    reported = "shjobs: shjobs.toml: maxRuning: unknown key; did you mean maxRunning?\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", reported)
