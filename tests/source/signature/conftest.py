"""People who sign, for every test of the room."""

from collections.abc import Iterator

import pytest

from tests.support.signers import Signers, signers_in_a_short_folder


@pytest.fixture(scope="package")
def people() -> Iterator[Signers]:
    """Ann, whom the settings trust, and Eve, whom they do not."""
    with signers_in_a_short_folder() as people:
        people.gpg_key("ann")
        people.gpg_key("eve")
        yield people
