"""The same job through a real S3 protocol: the sandbox delivers into a bucket, the controller reads it there."""

import dataclasses
from pathlib import Path

import boto3
import pytest

from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from tests.conftest import Workspace, ndvi

SETTINGS = """\
deployment = "sandbox"
timeScale = 0.02

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
endpoint = "{endpoint}"
region = "us-east-1"
"""


def moved(workspace: Workspace, sandbox: Sandbox) -> Workspace:
    """The same repository with another sandbox, of the plain secret."""
    place = {"SHJOBS_BASE_URL": sandbox.base_url, "SHJOBS_TOKEN_URL": f"{sandbox.base_url}/oauth/token"}
    environment = {**workspace.environment, **place, "SHJOBS_CLIENT_SECRET": "sandbox-secret"}
    return dataclasses.replace(workspace, sandbox=sandbox, environment=environment)


@pytest.mark.slow
def test_a_job_is_delivered_to_s3_and_proven_there_even_without_a_database(
    endpoint: str, workspace: Workspace, tmp_path: Path
) -> None:
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any"
    )
    client.create_bucket(Bucket="my-bucket")
    options = SandboxOptions(folder=tmp_path / "s3", port=0, s3_endpoint=endpoint, requests_per_minute=0)
    (workspace.root / "shjobs.toml").write_text(SETTINGS.format(endpoint=endpoint), encoding="utf-8")
    workspace.write("ndvi.yaml", ndvi())
    with Sandbox(options) as sandbox:
        there = moved(workspace, sandbox)
        first = there.sync()["ndvi"]
        (there.state / "shjobs.db").unlink()
        again = there.sync()["ndvi"]
        assert there.posts() == 1
    client.close()
    assert (first["phase"], again["phase"], again["requestId"]) == ("Succeeded", "Succeeded", first["requestId"])
    keys = [item["Key"] for item in client.list_objects_v2(Bucket="my-bucket")["Contents"]]
    assert first["outputs"][0]["href"].removeprefix("s3://my-bucket/") in keys
