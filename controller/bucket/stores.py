"""Opens buckets: which credential may be used for a place, and its store, in S3 or a local folder.

`Bucket` calls it. Stores are kept, with their connections, and shared between threads.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.store import LocalStore, S3Store

from controller.bucket.reader import RETRIES, Home
from controller.model.answers import Unreadable
from controller.model.timing import Timing
from controller.settings.deployments import Credential, Deployment

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Credential

Store = S3Store | LocalStore


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLocation:
    """An opened bucket, the credential that opened it, and the path in it, without surrounding slashes."""

    bucket: str
    path: str
    credential: Credential
    store: Store
    region: str
    home: Home | None
    """Where to call with the key pair; None: a local folder, or a bucket that AWS's default chain opens."""

    @property
    def name(self) -> str:
        """The bucket and the credential, as messages start with."""
        return f"bucket {self.bucket}, credential {self.credential.name}"


class Stores:
    """The buckets of one deployment, opened with the settings' credentials."""

    def __init__(self, deployment: Deployment, credentials: Mapping[str, Credential], timing: Timing) -> None:
        self._deployment = deployment
        self._credentials = credentials
        self._timing = timing
        self._stores: dict[tuple[str, str, float], Store] = {}
        self._lock = threading.Lock()

    def place(self, url: str, ref: str | None, *, patience: float) -> StoreLocation | Unreadable:
        """The location of `s3://bucket/path`, or why there is none. Without `ref` (a role), any matching credential.

        `patience` is how long one response may take, in seconds, not counting retries.
        """
        name, _, path = url.removeprefix("s3://").partition("/")
        credential = self._credential(url, ref)
        if isinstance(credential, Unreadable):
            return credential
        if credential.folder is not None and not (credential.folder / name).is_dir():
            return Unreadable(message=f"bucket {name}: there is no folder {credential.folder / name}")
        return StoreLocation(
            bucket=name,
            path=path.strip("/"),
            credential=credential,
            store=self._store(name, credential, patience),
            region=self._home(credential)[1],
            home=self._asked(name, credential) if not (credential.folder or credential.default_chain) else None,
        )

    def home(self, place: StoreLocation) -> Home | None:
        """Where to call with a key pair; None when the credential has none."""
        return place.home or self._asked(place.bucket, place.credential)

    def _asked(self, bucket: str, credential: Credential) -> Home | None:
        access, secret = credential.access_key, credential.secret_access_key
        if access is None or secret is None or credential.folder:
            return None
        endpoint, region = self._home(credential)
        keys = (access.get_secret_value(), secret.get_secret_value())
        return Home(endpoint=endpoint, region=region, bucket=bucket, credential=credential.name, keys=keys)

    def _home(self, credential: Credential) -> tuple[str, str]:
        """Endpoint and region of a credential's buckets."""
        region = credential.region or self._deployment.region
        return credential.endpoint or self._deployment.endpoint_of(region), region

    def _credential(self, url: str, ref: str | None) -> Credential | Unreadable:
        """The credential to use, or why there is none."""
        if ref is None:
            able = [each for each in self._credentials.values() if each.may_use(url)]
            if not able:
                return Unreadable(message=f"no credential may be used for {url}; {_advice(url)}")
            found = min(able, key=lambda each: (not each.can_read, each.name))
        elif ref not in self._credentials:
            return Unreadable(message=f"no credential is called {ref}; {_advice(url, ref)}")
        else:
            found = self._credentials[ref]
        if not found.may_use(url):
            return Unreadable(message=f"credential {found.name} may not be used for {url}; {_advice(url, found.name)}")
        if not found.can_read:
            keys = "accessKeyFile and secretAccessKeyFile, or the SHJOBS_CREDENTIALS_… variables"
            return Unreadable(message=f"credential {found.name} has no key pair; give it {keys}")
        return found

    def _store(self, name: str, credential: Credential, patience: float) -> Store:
        with self._lock:
            key = (name, credential.name, patience)
            if key not in self._stores:
                self._stores[key] = (
                    LocalStore(credential.folder / name) if credential.folder else self._s3(name, credential, patience)
                )
            return self._stores[key]

    def _s3(self, name: str, credential: Credential, patience: float) -> S3Store:
        """Every setting is given here, since the library would take missing ones from AWS_… variables.

        Without a provider of keys it takes these, too, from there, or from the rest of AWS's default chain: a web
        identity, a container, the instance. It does not read profiles.
        """
        endpoint, region = self._home(credential)
        once = timedelta(seconds=patience)
        return S3Store(
            name,
            config={
                "endpoint": endpoint,
                "region": region,
                "virtual_hosted_style_request": False,
                "skip_signature": False,
            },
            client_options=self._client_options(endpoint, once),
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": once * (RETRIES + 1),
            },
            credential_provider=None if credential.default_chain else _key_pair(credential),
        )

    def _client_options(self, endpoint: str, once: timedelta) -> "ClientConfig":
        options: ClientConfig = {
            "timeout": once,
            "connect_timeout": min(once, timedelta(seconds=self._timing.connect_timeout)),
        }
        if self._deployment.authorities:
            options["root_certificate"] = self._deployment.authorities
        if endpoint.startswith("http://"):
            # Plain http is for this machine only. A proxy set here is the only way to keep the library from the one in
            # the system's variables; and as this host is excluded, neither is ever used.
            host = urlsplit(endpoint).hostname or ""
            options |= {"allow_http": True, "proxy_url": endpoint, "proxy_excludes": host}
        return options


def _key_pair(credential: Credential) -> "Callable[[], S3Credential]":
    def key_pair() -> "S3Credential":
        access, secret = credential.access_key, credential.secret_access_key
        assert access is not None and secret is not None, "checked before a store is made"
        return {
            "access_key_id": access.get_secret_value(),
            "secret_access_key": secret.get_secret_value(),
            "token": None,
            "expires_at": None,
        }

    return key_pair


def _advice(url: str, name: str = "<name>") -> str:
    return f'write [credentials.{name}] with prefixes = ["{url}"] in the settings'
