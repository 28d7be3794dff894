"""Finds code in a page: fenced in Markdown, or line by line between sentences. For `pasted`.

Pure. A page is cut into pieces, each of one language; sentences belong to none. What begins like code is taken as far
as its brackets and quotes reach, and dropped again when it is none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from controller.operations.scaffold.readers.python_code import parse_python
from controller.operations.scaffold.readers.shell_blocks import end_of_commands

_FENCE = re.compile(r"^[ \t>]*(```+|~~~+)[ \t]*\{?\.?([\w+-]*).*$", re.MULTILINE)
_LANGUAGES = {
    "python": "python", "py": "python", "python3": "python", "ipython3": "python", "pycon": "python",
    "js": "javascript", "javascript": "javascript", "ts": "javascript", "typescript": "javascript", "jsx": "javascript",
    "json": "json", "json5": "json", "jsonc": "json",
    "bash": "shell", "sh": "shell", "shell": "shell", "console": "shell", "zsh": "shell", "curl": "shell",
}  # fmt: skip
_SHELL = re.compile(
    r"[ \t]*(?:[$%#] )?(?:curl(?=[ \t]).*(?:[ \t]-|\\$|https?:)|export \w+=|(?:cat|echo|read|printf)\b.*(?:<<|\|))",
    re.ASCII | re.MULTILINE,
)
_SHELL_BLOCK = re.compile(
    r"[ \t]*(?:(?:if|while|until)[ \t]+(?:\[[\[ \t]|!|curl[ \t]|.*;[ \t]*(?:then|do)\b)"
    r"|for[ \t]+\w+[ \t]+in\b(?:[^:\n]*$|.*;[ \t]*do\b)|for[ \t]*\(\(|case[ \t].*[ \t]in\b"
    r"|(?:\[.*\]|\(\(.*\)\)|(?:test|grep|read|unset|local|declare|readonly|let|printf -v)[ \t].*|\w+\+=.*)"
    r"[ \t]*(?:&&|\|\||$))",
    re.ASCII | re.MULTILINE,
)  # where there are commands
_VARIABLE = re.compile(r"[ \t]*[A-Za-z_]\w*=(?=[^\s=])", re.ASCII)  # Python that has no spaces, or a shell
_OF_PYTHON = re.compile(r"\"\"\"|'''|[\[{(]|[A-Za-z_][\w.]*\(")
_OF_SHELL = re.compile(r"^#!.*sh\b|(?:^|[;|&]|\b(?:do|then|else|if|while)[ \t])[ \t]*(?:[$%] )?curl[ \t]", re.MULTILINE)
_JSON = re.compile(r"[ \t]*[\[{]")
_JAVASCRIPT = re.compile(
    r"[ \t]*(?:(?:const|let|var)\s+(?:[\w$]+\s*[=:]|[{\[])|(?:await\s+)?(?:fetch|axios[\w.]*|\w+\.append)\()"
)
_MORE_JAVASCRIPT = re.compile(
    r"[ \t]*(?:(?:if|for|while|switch)[ \t]*\(|(?:delete|function|async|try|return|await|new|else|do)\b|[})\];]|//|/\*"
    r"|[\w$.\[\]'\"?]{1,100}[ \t]?(?:[-+*/%&|^<>?]{0,3}=|\(|\+\+|--|&&|\|\||\?)|\+\+|--"
    r"|[^\n]{0,300}[;{}][ \t]*(?:\n|\Z))"
)  # below lines of JavaScript
_PYTHON = re.compile(
    r"[ \t]*(?:(?:async[ \t]+)?(?:def|with|for|while|class|if|try|else|elif|except|finally)\b[^\n]*:"
    r"|(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]|(?:return|del)\b|@\w"
    r"|[A-Za-z_][\w.]*(?:\[[^\]\n]*\])*(?:[ \t]?:[ \t]?[\w.\[\], |]{1,60})?[ \t]{0,20}[-+*/|]?=(?!=)|[A-Za-z_][\w.]*\()"
)
_SCRIPT = re.compile(r"[ \t]*//[ \t]*VERSION[ \t]*=[ \t]*[123]")
_OF_SCRIPT = re.compile(
    r"[ \t]*(?:(?:async )?function\b|let\b|var\b|const\b|class\b|return\b|if\b|for\b|//|/\*|[})\];]|$)"
)
_CLAUSE = re.compile(r"(?:else|elif|except|finally)\b")
_PROMPT = re.compile(r"^(>>>|\.\.\.) ?")
_IN_CODE = re.compile(
    r'"""(?:\\.|[^\\])*?"""'
    r"|'''(?:\\.|[^\\])*?'''"
    r"|`(?:\\.|[^`\\])*`|/\*.*?(?:\*/|\Z)"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|(?P<mark>[()\[\]{}\n])|(?P<comment>#|//)|[^\"'`()\[\]{}\n#/]+|.",
    re.DOTALL,
)
_PARSING = 4  # times the length of a text, as which it counts when it is no Python: it is parsed, mended, parsed again
_READ_AGAIN = 8  # times the length of the text: how much is read in vain where brackets and quotes do not close


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Code of one language, `before` lines below the top of its text; `where` is said before a line of it."""

    language: str
    text: str
    before: int = 0
    where: str = ""

    def within(self, where: str) -> "Piece":
        return replace(self, where=where)


def fenced(text: str) -> list[Piece]:
    """The fenced blocks of Markdown."""
    pieces: list[Piece] = []
    opened: re.Match[str] | None = None
    counted, before, first = 0, 1, 1
    for fence in _FENCE.finditer(text):
        before += text.count("\n", counted, fence.start())
        counted = fence.start()
        if opened is None:
            opened, first = fence, before
        elif fence[1].startswith(opened[1]) and not fence[2]:
            inside = text[opened.end() + 1 : fence.start()]
            pieces.append(_piece(opened[2].lower(), inside, first))
            opened = None
    return pieces


def _piece(label: str, text: str, before: int) -> Piece:
    language = "script" if _SCRIPT.match(text.lstrip()) else _LANGUAGES.get(label, "")
    return Piece(language=language, text=text, before=before)


def without_prompts(text: str) -> str:
    """The input of a Python session, without its prompts and without what was answered."""
    if not text.lstrip().startswith(">>> "):
        return text
    return "\n".join(_PROMPT.sub("", line) if _PROMPT.match(line) else "" for line in text.split("\n"))


def pieces_of_page(text: str) -> Iterator[Piece]:
    """The code between the sentences of a page; JavaScript is one piece as far as there is no sentence between."""
    page = _Page(text)
    held: list[Piece] = []
    while page.at < len(text):
        is_joined = page.above == "javascript"
        piece = page.next()
        if held and not (is_joined and page.above == "javascript"):
            yield _joined(held)
            held = []
        if piece and piece.language == "javascript":
            held.append(piece)
        elif piece:
            yield piece
    if held:
        yield _joined(held)


def _joined(pieces: list[Piece]) -> Piece:
    """One piece, with empty lines where there were some between."""
    texts, line = [], pieces[0].before
    for piece in pieces:
        texts += ["\n" * (piece.before - line), piece.text]
        line = piece.before + piece.text.count("\n")
    return replace(pieces[0], text="".join(texts))


class _Page:
    """One pass over the lines."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.number = text, 0, 0
        self.left = _READ_AGAIN * len(text) + 10_000
        self.above = ""  # the language of the lines above, without a sentence between
        self.has_commands = _OF_SHELL.search(text) is not None

    def next(self) -> Piece | None:
        """The piece that begins in this line, or None; the page goes on behind either."""
        for language, end in self.choices():
            if end > self.at:
                self.above = language
                return self.take(language, end)
        line = self.take("", self.line_end(self.at))
        self.above = "" if line.text.strip(" \t\n})];") else self.above
        return None

    def choices(self) -> Iterator[tuple[str, int]]:
        """What may begin in this line, and where it ends; 0 when it does not."""
        text, at = self.text, self.at
        if _SCRIPT.match(text, at):
            yield "script", self.end_of_script()
        if _SHELL.match(text, at) or (self.has_commands and _SHELL_BLOCK.match(text, at)):
            yield "shell", self.end_of_commands()
        if variable := _VARIABLE.match(text, at):
            yield from self.of_variable(variable.end())
        if _JSON.match(text, at):
            yield "json", self.end_of_code("//")
        if _JAVASCRIPT.match(text, at):
            yield "javascript", self.end_of_code("//")
        if self.above == "javascript" and _MORE_JAVASCRIPT.match(text, at):
            yield "javascript", self.end_of_code("//")
        if _PYTHON.match(text, at):
            yield from self.of_statement()

    def of_statement(self) -> Iterator[tuple[str, int]]:
        """`name = value;` is JavaScript, without the semicolon Python; several lines that are neither are sentences."""
        end = self.end_of_code("//")
        if end and self.text[self.at : end].rstrip().endswith(";"):
            yield "javascript", end
        end = self.end_of_block()
        text = self.text[self.at : end]
        if "\n" not in text.strip() or self.is_python(end):
            yield "python", end

    def of_variable(self, value: int) -> Iterator[tuple[str, int]]:
        """`name=value` may be Python as well as a shell's; where there are commands, text is taken for the latter."""
        is_shell = self.has_commands and not _OF_PYTHON.match(self.text, value)
        if not is_shell and (end := self.end_of_code("#")) and self.is_python(end):
            yield "python", end
        yield "shell", self.end_of_commands()

    def is_python(self, end: int) -> bool:
        """Whether the text up to there can be read as Python; where it cannot, it was read in vain."""
        found = _is_python(self.text[self.at : end])
        self.left -= 0 if found else _PARSING * (end - self.at)
        return found

    def take(self, language: str, end: int) -> Piece:
        piece = Piece(language=language, text=self.text[self.at : end], before=self.number)
        self.number += self.text.count("\n", self.at, end)
        self.at = end
        return piece

    def line_end(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + 1

    def end_of_commands(self) -> int:
        return self.spent(end_of_commands(self.text, self.at)) if self.left >= 0 else 0

    def spent(self, end: int) -> int:
        """The same end; where there is none, the rest of the text was read in vain, which is counted."""
        self.left -= 0 if end else len(self.text) - self.at
        return end

    def end_of_code(self, comment: str, at: int | None = None) -> int:
        """Behind the first line break outside of brackets; 0 where they do not close."""
        start = self.at if at is None else at
        if self.left < 0:
            return 0
        depth, place = 0, start
        while found := _IN_CODE.match(self.text, place):
            mark, place = found["mark"], found.end()
            if mark == "\n" and depth <= 0:
                return place
            depth += 0 if mark in (None, "\n") else 1 if mark in "([{" else -1
            if found["comment"] == comment:
                end = self.text.find("\n", place)
                place = len(self.text) if end < 0 else end
        return len(self.text) if depth <= 0 else self.spent(0)

    def end_of_block(self) -> int:
        """The end of a Python statement, with the indented lines below it."""
        end = self.end_of_code("#")
        if not end or not self.text[self.at : end].rstrip().endswith(":"):
            return end
        margin = _indent(self.text[self.at : end])
        while end < len(self.text):
            line = self.text[end : self.line_end(end)]
            is_inside = not line.strip() or _indent(line) > margin
            if not is_inside and not (_indent(line) == margin and _CLAUSE.match(line.strip())):
                break
            after = self.end_of_code("#", end)
            if not after:
                break
            end = after
        return end

    def end_of_script(self) -> int:
        """The end of an evalscript that stands on the page as it is."""
        end = self.line_end(self.at)
        while end < len(self.text) and _OF_SCRIPT.match(self.text[end : self.line_end(end)].rstrip("\n")):
            after = self.end_of_code("//", end)
            if not after:
                break
            end = after
        return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _is_python(text: str) -> bool:
    """Whether it can be read as Python, be it indented as a whole."""
    try:
        parse_python(f"with page:\n{text}" if text[:1] in (" ", "\t") else text)
    except SyntaxError:
        return False
    return True
