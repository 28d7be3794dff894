"""Signs a GET with a key pair itself, for what the object store library does not call or does not check.

`S3Reader` calls it. Source: AWS Signature Version 4.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlencode, urlsplit

_NOTHING = hashlib.sha256(b"").hexdigest()


def url_of(endpoint: str, path: bytes, query: Mapping[str, str]) -> str:
    """The URL of `path` (with its leading slash) in the one encoding that is both sent and signed."""
    asked = urlencode(sorted(query.items()), quote_via=quote, safe="~")
    return f"{endpoint}{quote(path, safe='/~')}{f'?{asked}' if asked else ''}"


def signature(url: str, region: str, keys: tuple[str, str], now: datetime) -> dict[str, str]:
    """The headers that sign a GET of a URL from `url_of` with an access key and its secret."""
    place, at = urlsplit(url), f"{now:%Y%m%dT%H%M%SZ}"
    signed = {"host": place.netloc, "x-amz-content-sha256": _NOTHING, "x-amz-date": at}
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    asked = "\n".join(["GET", place.path, place.query, lines, ";".join(signed), _NOTHING])
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(asked.encode()).hexdigest()])
    key = f"AWS4{keys[1]}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    credential = f"Credential={keys[0]}/{scope}, SignedHeaders={';'.join(signed)}"
    return {**signed, "Authorization": f"AWS4-HMAC-SHA256 {credential}, Signature={_mac(key, text).hex()}"}


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
