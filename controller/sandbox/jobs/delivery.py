"""Writes to and reads from the user's bucket with the user's credentials; `runs` is the only caller.

A bucket is a folder below the sandbox's own, or one at any S3 endpoint. Keys are formatted as in reference page
"Asynchronous Processing API" §§3, 5: `<prefix>/<id>/<name>`, or the URL's own placeholders.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from controller.model.errors import ShjobsError, truncate
from controller.sandbox.options import BUCKET_NAME, SandboxOptions

SECRET_FIELDS = frozenset({"accessKey", "secretAccessKey", "credentials"})
REDACTED = "<redacted>"


class BucketError(ShjobsError):
    """Nothing can be written there: no such bucket, wrong keys, no permission, no connection."""


class DeliveryStore(Protocol):
    """One bucket, opened with one pair of keys."""

    def put(self, key: str, content: bytes | Path) -> None:
        """Writes one object completely or not at all; a file is moved away. Raises BucketError."""

    def get(self, key: str) -> bytes:
        """Reads one object. Raises BucketError."""


class FolderStore:
    """A bucket that is a folder; objects appear in it by rename, so a reader never sees a partial one."""

    def __init__(self, bucket: Path, scratch: Path) -> None:
        self._bucket = bucket
        self._scratch = scratch

    def put(self, key: str, content: bytes | Path) -> None:
        target = self._bucket / key
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            source = content if isinstance(content, Path) else self._written(content)
            source.replace(target)
        except (OSError, ValueError) as error:
            raise BucketError(f"{key!r} cannot be written: {truncate(str(error), 200)}") from error

    def get(self, key: str) -> bytes:
        try:
            return (self._bucket / key).read_bytes()
        except (OSError, ValueError) as error:
            raise BucketError(f"{key!r} cannot be read: {truncate(str(error), 200)}") from error

    def _written(self, content: bytes) -> Path:
        handle, name = tempfile.mkstemp(dir=self._scratch)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        return Path(name)


class S3Store:
    """A bucket at an S3 endpoint, written with the request's own keys."""

    def __init__(self, bucket: str, delivery: Mapping[str, Any], options: SandboxOptions) -> None:
        from obstore.store import S3Store as Remote

        self._remote = Remote(
            bucket,
            endpoint=options.s3_endpoint,
            region=options.s3_region,
            access_key_id=delivery["accessKey"],
            secret_access_key=delivery["secretAccessKey"],
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "connect_timeout": "3s", "timeout": "60s"},
            retry_config={"max_retries": 1},
        )

    def put(self, key: str, content: bytes | Path) -> None:
        import obstore
        from obstore.exceptions import BaseError

        try:
            obstore.put(self._remote, key, content)
        except (BaseError, OSError, ValueError) as error:
            raise BucketError(f"{key!r} cannot be written: {truncate(str(error), 200)}") from error
        if isinstance(content, Path):
            content.unlink()

    def get(self, key: str) -> bytes:
        import obstore
        from obstore.exceptions import BaseError

        try:
            return bytes(obstore.get(self._remote, key).bytes())
        except (BaseError, OSError, ValueError) as error:
            raise BucketError(f"{key!r} cannot be read: {truncate(str(error), 200)}") from error


def open_store(delivery: Mapping[str, Any], options: SandboxOptions) -> DeliveryStore:
    """The bucket of one request. Raises BucketError when it, or the key pair, is known to be invalid."""
    bucket = bucket_name(delivery["url"])
    if not BUCKET_NAME.fullmatch(bucket):
        raise BucketError(f"{bucket!r} is not the name of a bucket")
    if options.s3_endpoint is not None:
        if not {"accessKey", "secretAccessKey"} <= set(delivery):
            raise BucketError("the sandbox cannot assume roles at an S3 endpoint; send a pair of keys")
        if not all(delivery[name].isprintable() for name in ("accessKey", "secretAccessKey")):
            raise BucketError("the keys cannot be sent in a header")  # the client of the store would panic
        return S3Store(bucket, delivery, options)
    if not are_keys_good(delivery, options.keys):
        raise BucketError(f"the keys for bucket {bucket} are not accepted")
    if not (options.folder / bucket).is_dir():
        raise BucketError(f"there is no bucket {bucket}")
    return FolderStore(options.folder / bucket, options.scratch)


def are_keys_good(delivery: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    """Whether a local bucket accepts the key pair: any, unless `keys` lists valid ones; a role is always accepted."""
    if not keys or "accessKey" not in delivery:
        return True
    return keys.get(delivery["accessKey"]) == delivery.get("secretAccessKey")


def bucket_name(url: str) -> str:
    return url.removeprefix("s3://").partition("/")[0]


def key_for(url: str, id: str, name: str, *, in_root: bool = False) -> str:
    """The key of object `name` of request `id` delivered to `url`; `in_root` omits the request's folder.

    Raises BucketError for a path with '.' or '..' in it, which no object store would resolve.
    """
    path = url.removeprefix("s3://").partition("/")[2].strip("/")
    if "<REQUEST_ID>" in path or "<OUTPUT>" in path:
        template = path if "<OUTPUT>" in path else f"{path}/<OUTPUT>"
        key = template.replace("<REQUEST_ID>", id).replace("<OUTPUT>", name)
    else:
        key = "/".join(part for part in (path, "" if in_root else id, name) if part)
    if {".", ".."} & set(PurePosixPath(key).parts) or "/./" in key:
        raise BucketError(f"{url} holds '.' or '..'; write the plain path")
    return key


def read_object(place: Mapping[str, Any], options: SandboxOptions) -> bytes:
    """The object that an `s3` URL with its credentials names. Raises BucketError."""
    key = str(place["url"]).removeprefix("s3://").partition("/")[2]
    if {".", "..", ""} & set(key.split("/")):
        raise BucketError(f"{place['url']} is not the plain URL of an object")
    return open_store(place, options).get(key)


def without_secrets(value: Any) -> Any:
    """The same JSON with every credential replaced."""
    if isinstance(value, Mapping):
        return {name: REDACTED if name in SECRET_FIELDS else without_secrets(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_secrets(one) for one in value]
    return value


def json_bytes(document: object) -> bytes:
    """The format of the sandbox's own documents in a bucket."""
    return json.dumps(document, indent=1).encode()


def remove_tree(folder: Path) -> None:
    """Removes a scratch folder, which may not exist."""
    shutil.rmtree(folder, ignore_errors=True)
