"""Where `shjobs run` may listen."""

import pytest

from tests.conftest import Workspace
from tests.support.command import shjobs


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_told(workspace: Workspace, listen: str) -> None:
    done = shjobs("run", "--listen", listen, cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (
        2,
        f"shjobs: listen: {listen!r} is no address; write host:port, such as 127.0.0.1:9617",
    )
