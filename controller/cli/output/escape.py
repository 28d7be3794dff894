"""Makes text from a manifest or the service safe to print on a terminal or in a Markdown comment."""

import unicodedata
from collections.abc import Iterable

LONGEST = 500  # characters of one foreign text in a comment
_PLAIN = frozenset(" .,:;/-=+%()'\"")


def printable(text: str) -> str:
    """Escapes characters that would move the cursor, or change colours or the text direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if _is_visible(each) else ascii(each)[1:-1] for each in text.expandtabs(4))


def printable_lines(text: str) -> str:
    """The same for text of several lines, such as a script: its breaks and tabs stay."""
    lines = (line.split("\t") for line in text.replace("\r\n", "\n").split("\n"))
    return "\n".join("\t".join(map(printable, parts)) for parts in lines)


def code(text: str) -> str:
    """Foreign text as inline code in a Markdown comment: no markup, HTML or mention in it takes effect."""
    line = printable(" ".join(text.split()))
    line = line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
    return f"<code>{''.join(each if each.isalnum() or each in _PLAIN else f'&#{ord(each)};' for each in line)}</code>"


def fence(lines: Iterable[str], language: str) -> str:
    """Lines as a code block whose fence is longer than any run of backticks inside."""
    body = [printable(line) for line in lines]
    fence = "```"
    while any(fence in line for line in body):
        fence += "`"
    return "\n".join([f"{fence}{language}", *body, fence])


def _is_visible(character: str) -> bool:
    return character == " " or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
