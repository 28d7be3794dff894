"""Everything one can choose about the sandbox, in one frozen value made at the door (command line or test)."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from controller.errors import UsageError
from controller.sandbox.faults import Fault
from controller.sandbox.pricing import CDSE_2025, PriceRules

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class ScriptCheck(StrEnum):
    """When a bad evalscript is noticed (reference page "Open questions: Async API" 26)."""

    AT_RUN = "at_run"
    AT_SUBMIT = "at_submit"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How the sandbox behaves; times are in seconds.

    `folder` holds the ledger and, without `s3_endpoint`, the buckets: bucket `b` is `<folder>/b`. `buckets` are made
    at start in the folder; at an S3 endpoint they must exist. `keys` (access key: secret) are the only pairs a local
    bucket accepts; empty accepts any. `requests_per_minute` 0 and `monthly_units` None mean no limit.
    `run_seconds` is the least time a request stays RUNNING; `hidden_seconds` the time after which GET first knows it.
    `keep_secrets` leaves the credentials in the request copy; `copy_name` may hold `<REQUEST_ID>`; `copy_in_root`
    puts the copy beside the request folder, not inside. Raises UsageError with every reason at once.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8087
    buckets: tuple[str, ...] = ()
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    client_id: str = "sandbox"
    client_secret: str = field(default="sandbox-secret", repr=False)
    token_seconds: float = 3600.0
    run_seconds: float = 0.0
    hidden_seconds: float = 0.0
    workers: int = 2
    max_running: int = 3
    requests_per_minute: int = 300
    monthly_units: float | None = None
    script_check: ScriptCheck = ScriptCheck.AT_RUN
    price_rules: PriceRules = CDSE_2025
    keep_secrets: bool = False
    copy_name: str = "request-<REQUEST_ID>.json"
    copy_in_root: bool = False
    faults: tuple[Fault, ...] = ()
    seed: int = 1
    full_resolution: bool = False
    coarse_side: int = 256
    render_seconds: float = 1800.0

    def __post_init__(self) -> None:
        if reasons := self._reasons():
            raise UsageError("\n".join(f"sandbox: {reason}" for reason in reasons))

    def _reasons(self) -> list[str]:
        reasons = []
        if not is_loopback(self.host):
            reasons.append(f"host {self.host!r} can be reached from outside; write 127.0.0.1")
        if not 0 <= self.port <= 65535:
            reasons.append(f"port {self.port} does not exist; write 0 (any free port) to 65535")
        reasons += [
            f"bucket {name!r} is not a bucket name; use 3 to 63 lowercase letters, digits, '-' and '.'"
            for name in self.buckets
            if not BUCKET_NAME.fullmatch(name)
        ]
        reasons += [f"{name} must be at least 1" for name in ("workers", "max_running") if getattr(self, name) < 1]
        if "/" in self.copy_name or not self.copy_name.endswith(".json"):
            reasons.append(f"copy name {self.copy_name!r} must end in .json and hold no '/'")
        return reasons

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.jsonl"

    @property
    def scratch(self) -> Path:
        """Where rasters grow before they are delivered; no bucket can have this name."""
        return self.folder / ".work"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; the sandbox speaks IPv4."""
    if host == "localhost":
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False
