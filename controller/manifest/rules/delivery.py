"""Rules for the delivery: a bucket and a folder in it, and one way to get write access.

`rules` applies them to every document. Whether a named credential exists depends on the settings.
"""

import re
from functools import lru_cache
from typing import Any

from controller.manifest.problems import S3, ProblemCollector

_SECRET_KEYS = frozenset({"accesskey", "accesskeyid", "secretaccesskey", "secretkey", "credentials"})
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")


def delivery(faults: ProblemCollector) -> None:
    s3 = faults.at(S3)
    if not isinstance(s3, dict):
        return
    error = url_error(s3["url"]) if isinstance(s3.get("url"), str) else None
    if error:
        faults.add((*S3, "url"), *error)
    ways = [key for key in ("credentialsRef", "iamRoleARN") if key in s3 or (*S3, key) in faults.silent]
    if len(ways) == 2:
        faults.add((*S3, "iamRoleARN"), "E241", "credentialsRef and iamRoleARN exclude each other: keep one of the two")
    elif not ways:
        name = credential_name(s3.get("url"))
        message = f"is missing: write `credentialsRef: {name}`, or an iamRoleARN (AWS only)"
        faults.add((*S3, "credentialsRef"), "E241", message)


@lru_cache(1024)
def is_secret_key(key: str | int) -> bool:
    """Whether a field of this name holds a bucket key, in any notation."""
    return str(key).replace("_", "").replace("-", "").lower() in _SECRET_KEYS


def credential_name(url: Any) -> str:
    """The bucket's name, the best name for its credential."""
    bucket = re.match(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/|$)", url) if isinstance(url, str) else None
    return bucket[1].replace(".", "-") if bucket else "my-bucket"


def url_error(url: str) -> tuple[str, str] | None:
    """Code and message of the error in a delivery URL."""
    if url.startswith("gs://"):
        return "E111", "Google Cloud Storage is not supported yet: write s3://my-bucket/folder"
    if "<OUTPUT>" in url or "<REQUEST_ID>" in url:
        message = "URL templates are not supported yet: write the plain folder, every submission gets its own below it"
        return "E111", message
    if "<" in url or ">" in url:
        return "E240", "holds a placeholder of the documentation (`<…>`): write your own bucket and folder"
    scheme, _, rest = url.partition("://")
    bucket, *folders = rest.rstrip("/").split("/")
    if scheme != "s3" or not _BUCKET.fullmatch(bucket):
        return "E240", "must be a bucket and a folder in it: write for example s3://my-bucket/ndvi"
    if any(each in ("", ".", "..") or re.search(r"[\s\x00-\x1f\\]", each) for each in folders):
        message = "has a folder that is empty, `.` or `..`, or holds a space or backslash: write s3://my-bucket/ndvi"
        return "E240", message
    return None
