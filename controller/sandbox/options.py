"""All options of the sandbox, in one frozen value made by its caller: command line, file or test."""

import difflib
import ipaddress
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path

from controller.model.errors import UsageError
from controller.sandbox.faults.faults import Fault, FaultError
from controller.sandbox.pricing import CDSE_2025, PRICES, PriceRules

BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
NOT_IN_A_FILE = frozenset({"client_secret", "keys"})


class ScriptCheck(StrEnum):
    """When a bad evalscript is noticed (reference page "Open questions: Async API" 26)."""

    AT_RUN = "at_run"
    AT_SUBMIT = "at_submit"


class Profile(StrEnum):
    """The deployment that the sandbox emulates: what it hosts, and how long its tokens last. ANY hosts everything."""

    ANY = "any"
    SENTINEL_HUB = "sentinel-hub"
    US_WEST_2 = "us-west-2"
    CDSE = "cdse"

    @property
    def host(self) -> str | None:
        """Its name in the package's `collections.json`."""
        return {"sentinel-hub": "aws-eu-central-1", "us-west-2": "aws-us-west-2", "cdse": "cdse"}.get(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How the sandbox behaves. Times are in seconds of the service, sizes in bytes; every 0 or None means no limit,
    unless its line says something else. Raises UsageError with every reason at once.

    The defaults are assumptions: what the service's documentation leaves open can be changed here.
    """

    # Location. `folder` holds the ledger and, without `s3_endpoint`, the buckets: bucket `b` is `<folder>/b`.
    folder: Path
    host: str = "127.0.0.1"
    port: int = 8087
    tls_certificate: Path | None = None  # PEM files; with both the sandbox speaks https
    tls_key: Path | None = None
    time_scale: float = 1.0  # below 1 the service's time runs faster than ours

    # Buckets. Made at start in the folder; at an S3 endpoint they must exist.
    buckets: tuple[str, ...] = ()
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)  # access key: secret; empty accepts any

    # The account.
    profile: Profile = Profile.ANY
    client_id: str = "sandbox"
    client_secret: str = field(default="sandbox-secret", repr=False)
    token_seconds: float | None = None  # None: 600 on the profile cdse, else 3600
    token_requests_per_minute: int = 0
    requests_per_minute: int = 300
    units_per_minute: float = 0.0  # a run is charged when its price is known; calls wait until the debt is paid
    monthly_units: float | None = None
    monthly_requests: int | None = None
    max_running: int = 3
    price_rules: PriceRules = CDSE_2025
    region: str | None = None  # of the deployment; delivery to another one costs 0.03 PU per MB
    charge_failed: bool = False  # a failed run costs its price, or the minimum where none is known

    # Requests.
    largest_body: int = 16 << 20
    largest_script: int = 0
    script_check: ScriptCheck = ScriptCheck.AT_RUN
    malformed_id_status: int = 404  # or 400: for a GET whose id is not a UUID
    bare_rate_errors: bool = False  # the body of a 429 without the wrapper, as on one page of the documentation
    queue_seconds: float = 0.0  # before a run begins
    run_seconds: float = 0.0  # at least, from its beginning
    seconds_per_unit: float = 0.0  # at least, for each processing unit
    run_polls: int = 0  # at least, GETs that see it; so that how long it runs does not depend on the machine
    hidden_seconds: float = 0.0  # after the POST, until GET first sees the request
    workers: int = 2

    # Delivery.
    copy_name: str = "request-<REQUEST_ID>.json"
    copy_in_root: bool = False  # beside the request's folder, not inside it
    cost_field: str = "costPU"  # in the request copy; a path like "status.costPU" nests it
    keep_secrets: bool = False  # leave the credentials in the request copy
    wrap_error_json: bool = False  # {"error": {...}} instead of the plain object

    # Pixels.
    seed: int = 1
    full_resolution: bool = False
    coarse_side: int = 256
    render_seconds: float = 1800.0  # for the script of one request
    render_bytes: int = 1 << 30  # of memory for the process it runs in
    older_ramps: bool = False  # colour ramps as documented in 2025
    filter_scenes: bool = False  # whether filterScenes is called, which the documentation of V3 does not list

    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        if reasons := self._reasons():
            raise UsageError("\n".join(f"sandbox: {reason}" for reason in reasons))

    def _reasons(self) -> list[str]:
        reasons = []
        if not is_local_address(self.host):
            reasons.append(f"host {self.host!r} can be reached from outside; write 127.0.0.1")
        if not 0 <= self.port <= 65535:
            reasons.append(f"port {self.port} does not exist; write 0 (any free port) to 65535")
        if (self.tls_certificate is None) != (self.tls_key is None):
            reasons.append("https needs both: a certificate and its key")
        numbers = {_camel(each.name): getattr(self, each.name) for each in fields(self)}
        reasons += [
            f"{name} must be a finite number"
            for name, value in numbers.items()
            if isinstance(value, float) and not math.isfinite(value)
        ]
        if self.time_scale <= 0:
            reasons.append(f"time scale {self.time_scale:g} must be above 0")
        reasons += [
            f"bucket {name!r} is not a bucket name; use 3 to 63 lowercase letters, digits, '-' and '.'"
            for name in self.buckets
            if not BUCKET_NAME.fullmatch(name)
        ]
        reasons += [
            f"{name} must be at least 1"
            for name in ("workers", "max_running", "coarse_side")
            if getattr(self, name) < 1
        ]
        if self.malformed_id_status not in (400, 404):
            reasons.append(f"a malformed id is answered with 400 or 404, not {self.malformed_id_status}")
        if "/" in self.copy_name or not self.copy_name.endswith(".json"):
            reasons.append(f"copy name {self.copy_name!r} must end in .json and hold no '/'")
        if not all(self.cost_field.split(".")):
            reasons.append(f"cost field {self.cost_field!r} must be a name, or names joined by '.'")
        return reasons

    @property
    def token_life(self) -> float:
        """How many seconds of the service a token is valid."""
        if self.token_seconds is not None:
            return self.token_seconds
        return 600.0 if self.profile is Profile.CDSE else 3600.0

    @property
    def ledger_path(self) -> Path:
        return self.folder / "ledger.jsonl"

    @property
    def scratch(self) -> Path:
        """Where rasters are written before they are delivered; no bucket can have this name."""
        return self.folder / ".work"


def read_options(
    path: Path | None, given: Mapping[str, object], unless: Mapping[str, object] | None = None
) -> SandboxOptions:
    """The options of a TOML file (its keys are the fields in camelCase), overridden by `given`; `unless` has the
    defaults for options set in neither. Raises UsageError that names the file and the key.
    """
    written = {} if path is None else _table(path)
    known = {_camel(each.name): each.name for each in fields(SandboxOptions) if each.name not in NOT_IN_A_FILE}
    if unknown := sorted(set(written) - set(known)):
        near = difflib.get_close_matches(unknown[0], known, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(known)}"
        raise UsageError(f"{path}: there is no option {unknown[0]}{hint}")
    return _checked(path, {**(unless or {}), **{known[key]: value for key, value in written.items()}, **given})


def is_local_address(host: str) -> bool:
    """Whether only this machine can reach `host`; the sandbox speaks IPv4."""
    if host == "localhost":
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _table(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error


def _checked(path: Path | None, values: Mapping[str, object]) -> SandboxOptions:
    from pydantic import TypeAdapter, ValidationError

    try:
        read = {name: _SPECIAL.get(name, _plain)(value) for name, value in values.items()}
        return TypeAdapter(SandboxOptions).validate_python(read)
    except FaultError as error:
        raise UsageError(f"{path}: {error}") from error
    except ValidationError as error:
        reasons = [f"{_camel('.'.join(map(str, one['loc'])))}: {one['msg']}" for one in error.errors()]
        raise UsageError("\n".join(f"{path}: {reason}" for reason in reasons)) from error


def _plain(value: object) -> object:
    return value


def _faults(value: object) -> object:
    return tuple(map(Fault.from_document, value)) if isinstance(value, list) else value


def _prices(value: object) -> object:
    return PRICES.get(value, value) if isinstance(value, str) else value


_SPECIAL: Mapping[str, Callable[[object], object]] = {"faults": _faults, "price_rules": _prices}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
