"""An approval as written: what it may say, and what is said of one that cannot be read."""

import pytest

from controller.manifest.approval import Approval, is_approval, read_approval
from controller.manifest.document import read_documents
from controller.manifest.validate import Broken

GOOD = "apiVersion: shjobs/v1\nkind: Approval\nspec:\n  hashes: [3e8e2ab41b53]\n"


def read(text: str) -> Approval | Broken:
    [document] = read_documents(text, "yes.yaml")
    assert is_approval(document)
    return read_approval(document, "yes.yaml")


def errors(text: str) -> list[str]:
    found = read(text)
    return [str(each) for each in found.problems] if isinstance(found, Broken) else []


def test_it_names_hashes_and_a_reason() -> None:
    found = read(GOOD + "  reason: the summer\n")
    assert found == Approval(path="yes.yaml", index=0, hashes=("3e8e2ab41b53",), reason="the summer")


ADVICE = "write the twelve hexadecimal digits that `shjobs plan` shows, in quotes"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(GOOD.replace("[3e8e2ab41b53]", "3e8e2ab41b53"), "must be a list", id="a hash alone"),
        pytest.param(GOOD.replace("[3e8e2ab41b53]", "[]"), "must not be empty", id="no hash"),
        pytest.param(GOOD.replace("3e8e2ab41b53", "3E8E2AB41B53"), "is no hash", id="capital letters"),
        pytest.param(GOOD.replace("3e8e2ab41b53", "123456789012"), f"not a number: {ADVICE}", id="digits only"),
        pytest.param(GOOD + "  reasons: x\n", "did you mean `reason`?", id="a misspelt key"),
        pytest.param(GOOD + "  reason:\n", "is empty", id="an empty reason"),
        pytest.param(GOOD + f"  reason: {'x' * 501}\n", "is longer than 500", id="a long reason"),
        pytest.param(GOOD + "metadata: {name: x}\n", "the keys here are apiVersion, kind, spec", id="a foreign key"),
        pytest.param("apiVersion: shjobs/v1\nkind: Approval\n", "is missing", id="nothing at all"),
        pytest.param("apiVersion: shjobs/v1\nkind: Approval\nspec: x\n", "must be a mapping", id="text"),
        pytest.param(
            GOOD.replace("3e8e2ab41b53", ", ".join(f"'{number:012x}'" for number in range(101))),
            "has more than 100 hashes",
            id="more hashes than anyone reviews",
        ),
    ],
)
def test_one_that_cannot_be_read_approves_nothing_and_says_why(text: str, expected: str) -> None:
    [said] = errors(text)
    assert expected in said
