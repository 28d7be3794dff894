"""Whether bytes are what a media type promises: a file that arrived whole may still be somebody's error page.

Pure; `fetch` asks once for each file. Source: reference page "Open questions: Async API" A 9.
"""

from collections.abc import Mapping

LONGEST = 16
"""So many bytes from the beginning are enough to tell."""
_BEGINNINGS: Mapping[str, tuple[bytes, ...]] = {
    "image/tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "application/json": tuple(bytes([each]) for each in b'{["-0123456789tfn'),
}


def is_of(media_type: str, head: bytes) -> bool:
    """Whether a file that begins with `head` can be of this type; of a type not known here, anything can."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip() if media_type == "application/json" else head
    return text.startswith(_BEGINNINGS.get(media_type, (b"",)))
