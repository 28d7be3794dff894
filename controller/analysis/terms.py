"""The terms under which manifests are accepted: a fingerprint of what an appraisal reads besides files and calendar.

What was accepted under other terms is read and appraised again before anything is paid for it. It includes no secret,
nor what is checked before each submission anyway, such as the budget; `Appraisal.until` is about today's date.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from controller import __version__
from controller.analysis.cost import price_table
from controller.settings.deployments import Credential
from controller.settings.file import Policy
from controller.settings.settings import Settings

POLICY = ("approval_above", "hold_on", "large_change_jobs", "large_change_processing_units", "on_unconfirmed")
THRESHOLD = ("large_change_jobs", "large_change_processing_units")


def terms_of(settings: Settings, program: str = __version__) -> str:
    """The fingerprint of these settings, with the price table and the version of the program."""
    read = {
        "program": program,
        "deployment": settings.deployment.model_dump(mode="json"),
        "prices": price_table(settings.deployment.prices).model_dump(mode="json"),
        "credentials": {name: _rights(each) for name, each in settings.credentials.items()},
        "policy": {name: getattr(settings, name) for name in POLICY},
    }
    return sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def threshold_of(policy: Policy) -> tuple[float, ...]:
    """The limits of a large change: an operator who raises one of them asks for fewer approvals."""
    return tuple(float(getattr(policy, name)) for name in THRESHOLD)


def _rights(credential: Credential) -> Mapping[str, Any]:
    """Where a credential may be used."""
    return {
        "prefixes": sorted(credential.prefixes),
        "endpoint": credential.endpoint,
        "region": credential.region,
        "defaultChain": credential.default_chain,
    }
