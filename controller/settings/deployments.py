"""Where the service is and which key pair is for which bucket: deployment profiles and credentials.

Settings hold one `Deployment` and the `Credential`s by name; the edges connect only to what these name.
Source of the profiles: reference page "Asynchronous Processing API" §§1, 2 and 8.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

OLD_PATH = "/api/v1/async/process"
NEW_PATH = "/async/v1/process"
DeploymentName = Literal["sentinel-hub", "us-west-2", "cdse", "sandbox"]


class Deployment(BaseModel):
    """One installation of the service. Request ids, prices and collections belong to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: DeploymentName
    base_url: str
    api_path: str
    token_url: str
    prices: str
    """Name of the price table."""
    s3_endpoint: str | None = None
    """Where its users' buckets are; None is AWS itself."""
    region: str
    """Region of a bucket that names none."""
    roles: bool = False
    """Whether a delivery may name an `iamRoleARN` instead of a key pair."""
    reader: str = ""
    """The principal that a bucket policy must allow to read; empty: none."""
    authorities: str | None = Field(None, repr=False)
    """Certificates (PEM) trusted in addition to the system's, for the service, its tokens and the buckets."""

    @property
    def process_url(self) -> str:
        """Where a request is POSTed; a request id is appended to ask for its status."""
        return self.base_url + self.api_path

    def endpoint_of(self, region: str) -> str:
        """Where the buckets of a region are."""
        return self.s3_endpoint or f"https://s3.{region}.amazonaws.com"

    @property
    def other_path(self) -> str:
        """The path to try when this one returns 404 to a POST."""
        return OLD_PATH if self.api_path == NEW_PATH else NEW_PATH


_AWS_TOKENS = "https://services.sentinel-hub.com/auth/realms/main/protocol/openid-connect/token"
_AWS_READER = "arn:aws:iam::614251495211:root"

DEPLOYMENTS: Mapping[str, Deployment] = {
    each.name: each
    for each in (
        Deployment(
            name="sentinel-hub",
            base_url="https://services.sentinel-hub.com",
            api_path=NEW_PATH,
            token_url=_AWS_TOKENS,
            prices="planet",
            region="eu-central-1",
            roles=True,
            reader=_AWS_READER,
        ),
        Deployment(
            name="us-west-2",
            base_url="https://services-uswest2.sentinel-hub.com",
            api_path=NEW_PATH,
            token_url=_AWS_TOKENS,
            prices="planet",
            region="us-west-2",
            roles=True,
            reader=_AWS_READER,
        ),
        Deployment(
            name="cdse",
            base_url="https://sh.dataspace.copernicus.eu",
            api_path=OLD_PATH,
            token_url="https://identity.dataspace.copernicus.eu/auth/realms/CDSE/protocol/openid-connect/token",
            prices="cdse",
            s3_endpoint="https://s3.waw3-1.cloudferro.com",
            region="WAW3-1",
            reader="arn:aws:iam::ddf4c98b5e6647f0a246f0624c8341d9:root",
        ),
        Deployment(
            name="sandbox",
            base_url="http://127.0.0.1:8087",
            api_path=NEW_PATH,
            token_url="http://127.0.0.1:8087/oauth/token",
            prices="cdse",
            region="eu-central-1",
        ),
    )
}


class Credential(BaseModel):
    """A named key pair for object storage, and where it may be used.

    With `default_chain`, buckets are read with what AWS's default chain finds, such as a role of this machine. The
    service still needs a key pair, or a role named by the manifest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    name: str
    prefixes: tuple[str, ...]
    endpoint: str | None = None
    region: str | None = None
    default_chain: bool = False
    folder: Path | None = None
    access_key: SecretStr | None = None
    secret_access_key: SecretStr | None = None

    @property
    def has_keys(self) -> bool:
        """Whether there is a key pair, without which the service cannot write."""
        return self.access_key is not None and self.secret_access_key is not None

    @property
    def can_read(self) -> bool:
        """Whether there is anything to read a bucket with."""
        return self.folder is not None or self.default_chain or self.has_keys

    def may_use(self, url: str) -> bool:
        """Whether `url` is at or below one of the prefixes, comparing whole path segments."""
        wanted = segments_of(url)
        return any(wanted[: len(held)] == held for held in map(segments_of, self.prefixes)) if wanted else False


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def segments_of(url: str) -> list[str]:
    """`s3://b/a/x` → `[b, a, x]`; empty when it is not such a URL, or could escape its folder."""
    scheme, _, rest = url.rstrip("/").partition("://")
    segments = rest.split("/")
    if scheme != "s3" or not segments[0] or any(each in ("", ".", "..") for each in segments):
        return []
    return segments
