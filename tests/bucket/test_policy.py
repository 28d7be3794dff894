"""What a bucket's policy allows the service: every way of writing it, and what is missing."""

import json
from typing import Any

import pytest

from controller.bucket.policy import ACTIONS, missing
from controller.settings.deployments import DEPLOYMENTS

READER = DEPLOYMENTS["cdse"].reader
BOTH = ["arn:aws:s3:::results", "arn:aws:s3:::results/*"]


def statement(**changes: Any) -> dict[str, Any]:
    plain = {"Effect": "Allow", "Principal": {"AWS": READER}, "Action": list(ACTIONS), "Resource": BOTH}
    return plain | changes


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        pytest.param(policy(statement()), (), id="as documented"),
        pytest.param(json.dumps({"Statement": statement()}), (), id="one statement alone"),
        pytest.param(policy(statement(Action="s3:*")), (), id="every action"),
        pytest.param(policy(statement(Action=["s3:Get*", "S3:LISTBUCKET"])), (), id="wildcards, and no case"),
        pytest.param(policy(statement(Principal="*")), (), id="everybody"),
        pytest.param(policy(statement(Principal={"AWS": ["x", "*"]})), (), id="everybody among others"),
        pytest.param(
            policy(statement(Principal={"AWS": READER.split(":")[4]})), (), id="the account by its number alone"
        ),
        pytest.param(policy(*(statement(Action=action) for action in ACTIONS)), (), id="a statement for each action"),
        pytest.param(policy(statement(Resource="arn:aws:s3:::*")), (), id="every bucket"),
        pytest.param(policy(), ACTIONS, id="nothing"),
        pytest.param(policy(statement(Principal={"AWS": "arn:aws:iam::1:root"})), ACTIONS, id="somebody else"),
        pytest.param(policy(statement(Action="s3:GetObject")), ACTIONS[:2], id="objects alone"),
        pytest.param(policy(statement(Resource=BOTH[0])), ("s3:GetObject",), id="the bucket without its objects"),
        pytest.param(policy(statement(Resource=BOTH[1])), ACTIONS[:2], id="the objects without the bucket"),
        pytest.param(policy(statement(Resource=["arn:aws:s3:::other", "arn:aws:s3:::other/*"])), ACTIONS, id="another"),
        pytest.param(
            policy(statement(), statement(Effect="Deny", Action="s3:ListBucket")),
            ("s3:ListBucket",),
            id="a denial wins",
        ),
        pytest.param(
            policy(statement(Condition={"IpAddress": {"aws:SourceIp": "1.2.3.4"}})),
            ACTIONS,
            id="only under a condition",
        ),
        pytest.param("no JSON", ACTIONS, id="no JSON"),
        pytest.param("[1]", ACTIONS, id="no policy"),
        pytest.param(json.dumps({"Statement": [3, None]}), ACTIONS, id="no statements"),
    ],
)
def test_what_the_service_is_not_allowed(text: str, lacking: tuple[str, ...]) -> None:
    assert missing(text, READER, "results") == lacking
