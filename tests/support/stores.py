"""Object stores that are not what they seem: a small HTTP server that answers each question as a test wants."""

import gzip
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.conftest import served

Query = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer. `pieces` follow the body as they come, without end if they have none."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Callable[[], Iterator[bytes]] | None = None
    length: int | None = None
    """What the header says, when it is not the length of the body."""


@dataclass(kw_only=True)
class FalseStore:
    """The address of a store, what it answers, and the questions it was asked."""

    answer: Callable[[str, Query], Reply]
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)


@contextmanager
def false_store(answer: Callable[[str, Query], Reply], tls: ssl.SSLContext | None = None) -> Iterator[FalseStore]:
    store = FalseStore(answer=answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            store.asked.append((self.command, self.path))
            store.headers.append({name.lower(): value for name, value in self.headers.items()})
            store.connections.add(self.client_address)
            place = urlsplit(self.path)
            self.reply(store.answer(place.path, dict(parse_qsl(place.query, keep_blank_values=True))))

        do_PUT = do_DELETE = do_POST = do_HEAD = do_CONNECT = do_GET  # noqa: N815  (the names are the library's)

        def reply(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.pieces is None:
                self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
            else:
                self.close_connection = True
            self.end_headers()
            try:
                self.wfile.write(reply.body)
                for piece in reply.pieces() if reply.pieces else ():
                    self.wfile.write(piece)
            except OSError:
                self.close_connection = True  # the reader has had enough
            if reply.length is not None:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            return

    with served(Handler, tls) as url:
        store.url = url
        yield store


def entry(key: str, size: str = "3") -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-03-01T12:00:00.000Z</LastModified>"
        f"<ETag>&quot;abc&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def listing(
    prefix: str, *keys: str, bucket: str = "results", cut: str = "false", count: int | None = None, more: str = ""
) -> bytes:
    """A page as S3 writes it; `keys` stand in it as they are."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix>{prefix}</Prefix><KeyCount>{len(keys) if count is None else count}</KeyCount>"
        f"<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>{cut}</IsTruncated>{more}"
        f"{''.join(map(entry, keys))}</ListBucketResult>"
    ).encode()


HTML = b"<!DOCTYPE html>\n<html lang=en><head><title>Console</title></head><body><p>Sign in<br></body></html>"
XHTML = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>Sign in</body></html>'
BUCKETS = (
    b'<?xml version="1.0"?><ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>x</ID>'
    b"</Owner><Buckets><Bucket><Name>results</Name></Bucket></Buckets></ListAllMyBucketsResult>"
)
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b"]><ListBucketResult><Name>&b;</Name></ListBucketResult>"
)


def endless() -> Iterator[bytes]:
    while True:
        yield b" " * 65536


def same(reply: Reply) -> Callable[[str, Query], Reply]:
    return lambda _path, _query: reply


def body(content: bytes, **headers: str) -> Callable[[str, Query], Reply]:
    return same(Reply(body=content, headers=headers))


def page(write: Callable[[str], bytes]) -> Callable[[str, Query], Reply]:
    """A page made of the prefix that was asked for."""
    return lambda _path, query: Reply(body=write(query.get("prefix", "")))


NEXT = "<NextContinuationToken>more</NextContinuationToken>"

LIES: Mapping[str, tuple[Callable[[str, Query], Reply], str]] = {
    "a web console's page": (body(HTML), "an HTML page"),
    "the page of a captive portal, as XHTML": (body(XHTML), "an HTML page"),
    "a page that begins with a comment": (body(b"<!-- hello --><html><br></html>"), "an HTML page"),
    "a redirect to a login page": (
        same(Reply(status=302, headers={"Location": "https://login.example/?id=1"})),
        "redirects elsewhere (302)",
    ),
    "an error document with status 200": (
        body(b"<Error><Code>InternalError</Code><RequestId>1</RequestId></Error>"),
        "an error document (InternalError) with status 200",
    ),
    "a list of buckets": (body(BUCKETS), "a document <ListAllMyBucketsResult>"),
    "a list of versions": (body(b"<ListVersionsResult/>"), "a document <ListVersionsResult>"),
    "JSON": (body(b'{"objects": []}'), "JSON"),
    "an empty body": (body(b""), "an empty body"),
    "white space": (body(b" \n\t "), "an empty body"),
    "plain text": (body(b"OK"), "a body that is no listing"),
    "status 204": (same(Reply(status=204)), "the store answers 204 No Content"),
    "status 206 with a whole listing": (
        lambda _path, query: Reply(body=listing(query["prefix"]), status=206),
        "the store answers 206 Partial Content",
    ),
    "a part without the way to its next page": (
        page(lambda prefix: listing(prefix, cut="true")),
        "a part of a listing, without the way to its next page",
    ),
    "a whole listing that goes on": (
        page(lambda prefix: listing(prefix, more=NEXT)),
        "a listing that says that it is whole and goes on",
    ),
    "nothing about its being whole": (
        page(lambda prefix: listing(prefix).replace(b"<IsTruncated>false</IsTruncated>", b"")),
        "a listing that does not say whether it is whole",
    ),
    "whole and not whole": (
        page(lambda prefix: listing(prefix, more="<IsTruncated>true</IsTruncated>")),
        "a listing that says two things about its IsTruncated",
    ),
    "another bucket": (page(lambda prefix: listing(prefix, bucket="other")), "a listing of another bucket"),
    "no bucket": (
        page(lambda prefix: listing(prefix).replace(b"<Name>results</Name>", b"")),
        "a listing that names no bucket",
    ),
    "another prefix": (page(lambda _: listing("elsewhere/")), "a listing of another prefix"),
    "no prefix": (page(lambda _: listing("")), "a listing of another prefix"),
    "keys outside the prefix": (
        page(lambda prefix: listing(prefix, "elsewhere/x")),
        "a listing with keys outside the prefix",
    ),
    "a listing by folders": (
        page(lambda prefix: listing(prefix, more=f"<CommonPrefixes><Prefix>{prefix}a/</Prefix></CommonPrefixes>")),
        "a listing by folders",
    ),
    "the same page for ever": (
        page(lambda prefix: listing(prefix, cut="true", more=NEXT)),
        "a listing that repeats itself",
    ),
    "the same keys under ever new tokens": (
        lambda _path, query: Reply(
            body=listing(
                query["prefix"],
                f"{query['prefix']}a",
                cut="true",
                more=f"<NextContinuationToken>{query.get('continuation-token', '')}x</NextContinuationToken>",
            )
        ),
        "a listing that repeats itself",
    ),
    "one key twice in a page": (
        page(lambda prefix: listing(prefix, f"{prefix}a", f"{prefix}a")),
        "a listing that repeats itself",
    ),
    "another encoding": (
        page(lambda prefix: listing(prefix).replace(b">url<", b">base64<")),
        "a listing in an encoding that was not asked for",
    ),
    "fewer keys than it counts": (page(lambda prefix: listing(prefix, count=3)), "more or fewer keys than it counts"),
    "more keys than it counts": (
        page(lambda prefix: listing(prefix, f"{prefix}a", count=0)),
        "more or fewer keys than it counts",
    ),
    "an object without a size": (
        page(lambda prefix: listing(prefix, f"{prefix}a").replace(b"<Size>3</Size>", b"")),
        "an object that has no key or no size",
    ),
    "an object of a negative size": (
        page(lambda prefix: listing(prefix, f"{prefix}a").replace(b">3<", b">-3<")),
        "an object that has no key or no size",
    ),
    "an object without a key": (page(lambda prefix: listing(prefix, "")), "an object that has no key or no size"),
    "objects in a wrapper": (
        page(
            lambda prefix: listing(prefix, count=0).replace(
                b"</ListBucketResult>", b"<Page><Contents/></Page></ListBucketResult>"
            )
        ),
        "a document that only resembles a listing",
    ),
    "a cut document": (page(lambda prefix: listing(prefix, f"{prefix}a")[:-20]), "cut off or damaged"),
    "two documents": (page(lambda prefix: listing(prefix) + b"<html/>"), "cut off or damaged"),
    "an answer that breaks off": (
        lambda _path, query: Reply(body=listing(query["prefix"])[:90], length=4000),
        "the answer broke off",
    ),
    "unasked compression": (
        lambda _path, query: Reply(body=gzip.compress(listing(query["prefix"])), headers={"Content-Encoding": "gzip"}),
        "a compressed body",
    ),
    "compressed garbage": (body(b"\x1f\x8bgarbage", **{"Content-Encoding": "gzip"}), "a compressed body"),
    "compression that is not declared": (
        lambda _path, query: Reply(body=gzip.compress(listing(query["prefix"]))),
        "a compressed body",
    ),
    "entities that grow": (body(BOMB), "a body that is no listing"),
    "an encoding that nobody knows": (
        body(b'<?xml version="1.0" encoding="nope"?><ListBucketResult/>'),
        "a listing that names no bucket",
    ),
    "another encoding of letters": (
        body('<?xml version="1.0" encoding="utf-16"?><ListBucketResult/>'.encode("utf-16")),
        "a listing that names no bucket",
    ),
    "an external entity": (
        body(b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ListBucketResult>&a;</ListBucketResult>'),
        "a body that is no listing",
    ),
    "a body that never ends": (same(Reply(body=b"<ListBucketResult>", pieces=endless)), "a page of more than 8 MiB"),
}
"""What stores that lie answer to a question for a listing, by what it is, and the words that say so."""
