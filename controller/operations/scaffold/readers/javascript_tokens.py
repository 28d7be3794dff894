"""The tokens of JavaScript, and what texts and numbers mean: for `javascript_values` and `shell`.

Pure. Text in any language has tokens: what is no word, text or number is a mark.
"""

import re
from dataclasses import dataclass

from controller.model.errors import UsageError

MOST_TOKENS = 400_000
_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<text>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)"
    r"|(?P<number>0[xX][0-9a-fA-F][0-9a-fA-F_]*|0[oO][0-7][0-7_]*|0[bB][01][01_]*|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<word>[A-Za-z_$][\w$]*)"
    r"|(?P<mark>=>|[=!]==?|\.\.\.|\?\.|(?:\*\*|<<|>>>?|&&|\|\||\?\?|[-+*/%&|^])=|\+\+|--|[<>]=|&&|\|\||\?\?|.)",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r\n|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    line: int


def tokens_of(text: str, before: int) -> list[Token]:
    found, line = [], before + 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match[0], line))
            if len(found) > MOST_TOKENS:
                raise UsageError("holds too many values, or nests them too deeply")
        line += match[0].count("\n")
    return found


def text_of(written: str) -> str:
    return unescaped(written[1:-1])


def unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return joined_surrogates(_ESCAPE.sub(lambda found: _character(found[1]), text))


def joined_surrogates(text: str) -> str:
    """With the one character that two escapes mean, such as those of an emoji."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: str) -> str:
    if escape[0] in "ux" and len(escape) > 1:
        code = int(escape[1:].strip("{}"), 16)
        return chr(code) if code < 0x110000 else "\ufffd"
    return _ESCAPES.get(escape, "" if escape == "\r\n" else escape)


def number_of(written: str) -> int | float:
    plain = written.replace("_", "")
    if plain[:2].lower() in ("0x", "0o", "0b"):
        return int(plain, 0) if len(plain) < 20 else float("inf")
    return int(plain) if plain.isdigit() and len(plain) < 20 else float(plain)
