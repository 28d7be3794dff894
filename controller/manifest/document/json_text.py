"""Reads JSON text into the same tokens as YAML, so that both languages give the same positions and problems.

The standard library's parser has no positions: it is only used to find the first error of a text.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from controller.manifest.document.tokens import NOT_FINITE, TOO_DEEP, Lines, Place, TextError, Token, TokenKind, plain

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s,:{}\[\]"]+')
_LONE = re.compile("[\ud800-\udfff]")


def json_tokens(text: str) -> Iterator[Token]:
    """The tokens of the one document; raises `TextError` at the first thing that is not JSON."""
    if not text.strip():
        return
    lines = Lines(text)
    try:
        json.loads(text, parse_int=len, parse_constant=str)  # only to find the first error and its position
    except json.JSONDecodeError as error:
        raise TextError((error.lineno, error.colno), f"is not valid JSON: {_json_words(error.msg)}") from None
    except RecursionError:
        raise TextError((1, 1), TOO_DEEP) from None
    yield TokenKind.DOCUMENT, None, (1, 1), ""
    for token in _JSON_TOKEN.finditer(text):
        written, place = token[0], lines.place(token.start())
        match written[0]:
            case "{":
                yield TokenKind.MAPPING, None, place, ""
            case "[":
                yield TokenKind.LIST, None, place, ""
            case "}" | "]":
                yield TokenKind.END, None, place, ""
            case _:
                yield TokenKind.SCALAR, *_json_scalar(written, place)


def _json_scalar(written: str, place: Place) -> tuple[Any, Place, str]:
    if written[0] != '"':
        value, refusal = plain(written)
        return (None, place, NOT_FINITE) if isinstance(value, str) else (value, place, refusal)
    text = json.loads(written)
    return text, place, "half of a surrogate pair is no character" if _LONE.search(text) else ""


def _json_words(message: str) -> str:
    if message == "Extra data":
        return "a JSON file holds one document, and more text follows it"
    return message[:1].lower() + message[1:]
