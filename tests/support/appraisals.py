"""What is said about a request, by a clock that stands still."""

from datetime import UTC, datetime

from controller.analysis.appraisal import Appraiser
from controller.evalscript import cache as scripts
from controller.manifest.validate import ValidManifest
from controller.model.clock import Clock
from controller.settings.deployments import DEPLOYMENTS, Credential, DeploymentName

CREDENTIALS = {"my-bucket": Credential(name="my-bucket", prefixes=("s3://my-bucket/",))}
FIRST_OF_MARCH = Clock(wall=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC), monotonic=lambda: 0.0)


def findings(job: ValidManifest, deployment: DeploymentName = "sandbox") -> list[str]:
    """Everything that is said about a request; what is said about the evalscript alone is tested elsewhere."""
    answer = Appraiser(DEPLOYMENTS[deployment], CREDENTIALS, scripts, FIRST_OF_MARCH.today)(job)
    return [str(each) for each in (*answer.problems, *answer.warnings) if each.code[:2] in ("E2", "W1")]
