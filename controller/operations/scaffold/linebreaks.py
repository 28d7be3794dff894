"""Restores the line breaks of a snippet that lost them: a page copied as one long line.

Pure; `pasted` calls it when a snippet cannot be parsed as it is. Without its breaks an evalscript is one `//VERSION=3`
comment; where a comment ended can only be guessed, so callers let the engine check the result first.
"""

import re
import tokenize
from itertools import accumulate

_VERSION = re.compile(r"[\s\ufeff]*//\s*VERSION\s*=\s*3")
_STRING = re.compile(r"'(?:\\.|[^'\\])*'?|\"(?:\\.|[^\"\\])*\"?|`(?:\\.|[^`\\])*`?")
_WORD = re.compile(r"[\w$]+")
# A statement, or an option of setup(), where a line probably began.
_STATEMENT = re.compile(
    r"(?:return|throw)\b|(?:let|var|const)\s+[\w$]+\s*[=;,]|function\b[\s*]*[\w$]*\s*\(|class\s+[\w$]+\s|(?:if|for|while)\s*\(|break;"
)
_OPTION = re.compile(r"(?:input|output|bands|units|mosaicking|sampleType|id|datasource|metadata|nodataValue)\s*:")
_CODE = re.compile(r"\bfunction\s+\w+\s*\(|\breturn\s*[\[{]|=>")
_BLOCK = re.compile(r"(?:\)|=>|\b(?:else|try|finally|do))\s*$")
_GOES_ON = re.compile(r"\s*(?:else\b|catch\b|finally\b|[;,.)\]])")
_INDENT = "  "
# A Python keyword that continues the expression before it.
_JOINS = frozenset({"and", "or", "not", "in", "is", "if", "else", "for", "async"})
_ENDS = frozenset({tokenize.STRING, tokenize.NUMBER, getattr(tokenize, "FSTRING_END", tokenize.STRING)})


def has_lost_breaks(script: str) -> bool:
    """Whether the line of `//VERSION=3` holds code, or all there is; words behind the number are a comment."""
    version = _VERSION.match(script)
    if version is None:
        return False
    words, _, rest = script[version.end() :].partition("\n")
    return bool(words.strip()) and (not rest.strip() or _CODE.search(words) is not None)


def script_with_breaks(script: str) -> str:
    """The evalscript, indented, with a break where a line seems to have ended."""
    version = _VERSION.match(script)
    start = version.end() if version else 0
    return "//VERSION=3\n" + _Script(script[start:]).manifest_text()


def python_with_breaks(text: str) -> str:
    """Python with a break wherever a statement begins right after the end of another one."""
    pieces: list[str] = []
    depth, done, before = 0, 0, tokenize.ENCODING
    lines = text.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    try:
        for token in tokenize.generate_tokens(iter(lines).__next__):
            if token.type == tokenize.ERRORTOKEN:
                break  # no Python from here on, and slow to be read as if it were
            place = starts[token.start[0] - 1] + token.start[1]
            is_end = before in _ENDS or before == tokenize.RPAR
            if depth == 0 and is_end and token.type == tokenize.NAME and token.string not in _JOINS:
                pieces.append(text[done:place])
                done = place
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.string, 0)
            before = tokenize.RPAR if token.string in (")", "]", "}") else token.type
    except (tokenize.TokenError, SyntaxError, IndexError):
        pass  # as far as it could be read
    return "\n".join([*pieces, text[done:]])


def end_of_comment(text: str) -> int:
    """Where the comment at the start of `text` (after its `//`) ends: at the first thing that is not part of it.

    That is another comment, a bracket that closes what the comment did not open, or a statement or option without a
    space before it. A comment that begins with a statement is commented-out code.
    """
    is_code = _STATEMENT.match(text.lstrip()) is not None
    depth = 0
    for place, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if character == "\n" or depth < 0 or (place and text.startswith("//", place) and text[place - 1] != ":"):
            return place
        is_glued = place > 0 and depth == 0 and not text[place - 1].isspace()
        if is_glued and not is_code and (_STATEMENT.match(text, place) or _OPTION.match(text, place)):
            return place
    return len(text)


class _Script:
    """One pass over a script: blocks are indented, statements and comments end their line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.lines: list[str] = []
        self.line = ""
        self.indent = 0
        self.brackets: list[str] = []  # "block" means braces around statements
        self.is_done = False  # the line has ended, unless a comment follows

    def manifest_text(self) -> str:
        while self.place < len(self.text):
            self.step()
        self.end_line()
        return "\n".join(self.lines).strip("\n") + "\n"

    def step(self) -> None:
        text, place = self.text, self.place
        character = text[place]
        if text.startswith("//", place):
            end = end_of_comment(text[place + 2 :])
            self.comment(text[place + 2 : place + 2 + end])
            self.place = place + 2 + end
        elif text.startswith("/*", place):
            closing = text.find("*/", place + 2)
            self.write(text[place : closing + 2 if closing >= 0 else len(text)])
        elif string := _STRING.match(text, place):
            self.write(string[0])
        elif word := _WORD.match(text, place):
            self.word(word[0])
        elif character in "{}":
            self.brace(character)
        else:
            self.punctuation(character)

    def write(self, words: str) -> None:
        if self.is_done:
            self.end_line()
        if not self.line:
            is_inside = self.brackets and self.brackets[-1] != "block" and words[0] not in ")]}"
            self.indent = self.brackets.count("block") + bool(is_inside)
        self.line += words
        self.place += len(words)

    def word(self, word: str) -> None:
        """A statement right after a closing bracket begins a line; where it belongs to an `if`, that does no harm."""
        if self.line.endswith((")", "]", "}")) and _STATEMENT.match(self.text, self.place):
            self.end_line()
        self.write(word)

    def punctuation(self, character: str) -> None:
        if character.isspace():
            self.line += " " if self.line and not self.is_done else ""
            self.place += 1
            if character == "\n":
                self.end_line()
            return
        if character in ")]" and self.brackets:
            self.brackets.pop()
        self.write(character)
        if character in "([":
            self.brackets.append(character)
        elif character == ";" and (not self.brackets or self.brackets[-1] == "block"):
            self.is_done = True

    def brace(self, character: str) -> None:
        if character == "{":
            is_block = _BLOCK.search(self.line) is not None
            self.write(character)
            self.brackets.append("block" if is_block else character)
            self.is_done = is_block
            return
        was_block = (self.brackets.pop() if self.brackets else "") == "block"
        if was_block:
            self.end_line()
        self.write(character)
        self.is_done = was_block and not _GOES_ON.match(self.text, self.place)

    def comment(self, words: str) -> None:
        if not self.line.strip():
            self.line, self.indent = "", self.brackets.count("block")
        self.line = f"{self.line.rstrip()} //{words.rstrip()}".lstrip()
        self.end_line()

    def end_line(self) -> None:
        if self.line.strip():
            self.lines.append(_INDENT * self.indent + self.line.strip())
        if self.line == "}" and not self.brackets:
            self.lines.append("")
        self.line, self.is_done = "", False
