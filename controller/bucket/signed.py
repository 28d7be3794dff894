"""Reads a bucket's policy, which the library for objects does not know: one GET, signed by hand.

`Bucket` calls it for `doctor`. Source: AWS Signature Version 4.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import urlsplit

import requests

_NOTHING = hashlib.sha256(b"").hexdigest()


def policy_of(
    endpoint: str, region: str, bucket: str, keys: tuple[str, str], timeout: float
) -> tuple[int, str]:  # fmt: skip
    """Status and body of `GET /<bucket>?policy`. Raises requests' exceptions when there is no answer."""
    url = f"{endpoint}/{bucket}"
    headers = signature(url, region, keys, datetime.now(UTC))
    with requests.Session() as http:
        http.trust_env = endpoint.startswith("https://")
        answer = http.get(f"{url}?policy", headers=headers, timeout=timeout, allow_redirects=False)
    return answer.status_code, answer.text


def signature(url: str, region: str, keys: tuple[str, str], now: datetime) -> dict[str, str]:
    """The headers that sign `GET <url>?policy` with an access key and its secret."""
    place, at = urlsplit(url), f"{now:%Y%m%dT%H%M%SZ}"
    signed = {"host": place.netloc, "x-amz-content-sha256": _NOTHING, "x-amz-date": at}
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    asked = "\n".join(["GET", place.path, "policy=", lines, ";".join(signed), _NOTHING])
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(asked.encode()).hexdigest()])
    key = f"AWS4{keys[1]}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    credential = f"Credential={keys[0]}/{scope}, SignedHeaders={';'.join(signed)}"
    return {**signed, "Authorization": f"AWS4-HMAC-SHA256 {credential}, Signature={_mac(key, text).hex()}"}


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
