"""Reads what was pasted: bodies as JSON, code that makes or sends them, notebooks, and pages with sentences between.

For `import`. Pure: code is only parsed, never executed; names are resolved as far as plain values go. Each language has
its reader in `readers`; what they have seen is searched for bodies here.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from controller.manifest.validate import LARGEST_SCRIPT
from controller.model.errors import UsageError
from controller.operations.scaffold.bodies import Body, body_without_keys, has_keys, requests_in
from controller.operations.scaffold.linebreaks import has_lost_breaks, script_with_breaks
from controller.operations.scaffold.names import Beside, Names, count_values, no_file, single_keys, without_marks
from controller.operations.scaffold.readers.containers import cells, is_collection, is_notebook, see_collection
from controller.operations.scaffold.readers.javascript import read_javascript
from controller.operations.scaffold.readers.prose import Piece, fenced, pieces_of_page, without_prompts
from controller.operations.scaffold.readers.python_code import hidden_request, parse_python, read_python
from controller.operations.scaffold.readers.shell import read_shell
from controller.operations.scaffold.readers.vendor_client import MAKERS
from controller.operations.scaffold.tidy import tidied

MOST_REQUESTS = 100
MOST_VALUES = 1_000_000  # of all requests together, of which each is counted by itself as well
_SCRIPT = re.compile(r"\s*//\s*VERSION\s*=\s*3")
_NONE_FOUND = (
    "holds no request: an object with `input` and `output`, as JSON, as a Python dict, or in code that makes or sends "
    "one"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """The request body without any key, and its evalscript, empty when there is none.

    `place` is where it begins. `had_keys`: keys were removed. `had_lost_breaks`: the script had lost its line breaks.
    """

    body: Body
    evalscript: str
    place: str = field(default="", compare=False)
    had_keys: bool = False
    had_lost_breaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PastedRequests:
    """Every request of a text that is complete, and why others were passed over, each with its line."""

    requests: tuple[Pasted, ...]
    passed_over: tuple[str, ...] = ()


def read_pasted(text: str, beside: Beside = no_file) -> PastedRequests:
    """The requests in the text, in order. Raises `UsageError`, with the line, when none of them is complete."""
    plain = without_marks(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    reading = _Reading(names=Names(makers=MAKERS, beside=beside))
    try:
        reading.read(plain)
        return _found(reading)
    except (RecursionError, MemoryError):
        raise UsageError("is nested too deeply") from None


@dataclass(slots=True, kw_only=True)
class _Reading:
    """The names and values seen so far, and which line of which piece a line number means."""

    names: Names
    starts: list[int] = field(default_factory=list)
    wheres: list[str] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    hidden: int = 0

    def place(self, line: int) -> str:
        """`line 7`, or `cell 3, line 7`."""
        number = bisect_right(self.starts, line - 1) - 1
        return f"{self.wheres[number]}line {line - self.starts[number]}" if number >= 0 else f"line {line}"

    def has_request(self) -> bool:
        return any(True for _, value in self.names.seen() for _ in requests_in(value, self.names))

    def read(self, text: str) -> None:
        value = _json(text)
        if is_notebook(value):
            self.read_cells(cells(value))
        elif is_collection(value):
            for number in range(see_collection(value, self.names)):
                self.starts.append(number)
                self.wheres.append(f"request {number + 1} of the collection, ")
        elif value is not None:
            self.names.see(value, 1)
            _refuse_manifest(value)
        else:
            self.read_text(without_prompts(text))

    def read_cells(self, pieces: Iterable[Piece]) -> None:
        """Each piece gets line numbers of its own, so that a line of a message is counted within its cell."""
        before = 0
        for piece in pieces:
            self.starts.append(before)
            self.wheres.append(piece.where)
            self.read_piece(replace(piece, before=before))
            before += piece.text.count("\n") + 1

    def read_text(self, text: str) -> None:
        """Fenced code, or the whole as Python, or the code between the sentences of a page, or JavaScript."""
        for piece in fenced(text):
            self.read_piece(piece)
        ways: tuple[Callable[[], None], ...] = (
            lambda: self.read_python(Piece(language="python", text=text)),
            lambda: self.read_pieces(pieces_of_page(text)),
            lambda: read_javascript(text, self.names),
        )
        for way in ways:
            if self.has_request() or self.hidden:
                return
            way()

    def read_pieces(self, pieces: Iterator[Piece]) -> None:
        for piece in pieces:
            self.read_piece(piece)

    def read_piece(self, piece: Piece) -> None:
        match piece.language:
            case "python":
                self.read_python(piece)
            case "shell":
                read_shell(piece.text, self.names, piece.before)
            case "script":
                self.names.see(piece.text, piece.before + 1)
            case "javascript" | "json":
                self.read_javascript(piece)
            case _:
                self.guess(piece)

    def guess(self, piece: Piece) -> None:
        """A piece whose language is not said."""
        start = piece.text.lstrip()
        if start.startswith(("curl", "$ curl", "export ", "#!/")):
            read_shell(piece.text, self.names, piece.before)
        elif start.startswith(("{", "[", "const ", "let ", "var ", "fetch(", "await ")):
            self.read_javascript(piece)
        else:
            self.read_python(piece)

    def read_javascript(self, piece: Piece) -> None:
        value = _json(piece.text)
        if value is not None:
            self.names.see(value, piece.before + 1)
        else:
            read_javascript(piece.text, self.names, piece.before)

    def read_python(self, piece: Piece) -> None:
        text, before = piece.text, piece.before
        if text[:1] in (" ", "\t"):
            text, before = f"with page:\n{text}", before - 1  # indented as a whole
        try:
            module = parse_python(text)
        except SyntaxError as error:
            self.unread.append(before + (error.lineno or 1))
            if piece.before or piece.where:
                read_javascript(piece.text, self.names, piece.before)
            return
        self.hidden = self.hidden or hidden_request(module)
        read_python(module, self.names, before)


def _json(text: str) -> Any:
    """The value of JSON, which may hold line breaks inside of a text; None when it is something else."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text, strict=False, object_pairs_hook=single_keys)
    except (ValueError, RecursionError):
        return None


def _refuse_manifest(value: Any) -> None:
    if isinstance(value, dict) and value.get("kind") == "AsyncProcess":
        raise UsageError("is a manifest already: put it into the jobs folder")


# --- what was found ---


def _found(reading: _Reading) -> PastedRequests:
    requests: dict[str, Pasted] = {}
    reasons: list[str] = []
    values = 0
    for line, body in _with_scripts(reading.names):
        values += count_values(body)
        if values > MOST_VALUES:
            raise UsageError("holds too many values: import its requests in parts")
        try:
            pasted = _pasted(body, reading, line)
        except UsageError as error:
            reasons.append(str(error))
            continue
        requests.setdefault(_key([pasted.body, pasted.evalscript]), pasted)
        if len(requests) > MOST_REQUESTS:
            raise UsageError(f"holds more than {MOST_REQUESTS} requests: import them in parts")
    with_script = {_key(each.body) for each in requests.values() if each.evalscript}
    kept = [each for each in requests.values() if each.evalscript or _key(each.body) not in with_script]
    if not kept:
        raise UsageError(reasons[0] if reasons else _none_found(reading))
    return PastedRequests(requests=tuple(kept), passed_over=tuple(dict.fromkeys(reasons)))


def _key(value: Any) -> str:
    """The same for equal values: what is written twice on a page is one request."""
    return json.dumps(value, sort_keys=True)


def _none_found(reading: _Reading) -> str:
    if reading.hidden:
        where = reading.place(reading.hidden)
        return f"{where}: the request that begins here can only be known by running the code: paste it with its values"
    where = f"; as Python, {reading.place(reading.unread[0])} cannot be read" if reading.unread else ""
    return _NONE_FOUND + where


def _with_scripts(names: Names) -> list[tuple[int, Body]]:
    """The bodies in order; one without a script gets the only script that is no other body's, or the one before it."""
    bodies: dict[int, tuple[int, int, Body]] = {}
    scripts: list[tuple[int, str]] = []
    for number, (line, value) in enumerate(names.seen()):
        if isinstance(value, str) and _SCRIPT.match(value):
            scripts.append((number, value))
        for body in requests_in(value, names):
            bodies.setdefault(id(body), (number, line, body))
            if len(bodies) > 5 * MOST_REQUESTS:
                raise UsageError(f"holds more than {MOST_REQUESTS} requests: import them in parts")
    used = {each["evalscript"] for _, _, each in bodies.values() if isinstance(each.get("evalscript"), str)}
    free = [(number, text) for number, text in scripts if text not in used]
    found, last = [], 0
    for number, line, body in bodies.values():
        if "evalscript" not in body and "evalscriptReference" not in body:
            between = {text for place, text in free if last <= place < number}
            chosen = between if len(between) == 1 else {text for _, text in free}
            body = {**body, "evalscript": chosen.pop()} if len(chosen) == 1 else body
        found.append((line, body))
        last = number
    return found


def _pasted(body: Body, reading: _Reading, line: int) -> Pasted:
    plain = tidied(body_without_keys(body, reading.place))
    script = plain.pop("evalscript", "")
    if not isinstance(script, str):
        raise UsageError("evalscript: must be text")
    script = script.replace("\r\n", "\n").replace("\r", "\n")
    is_lost = len(script) <= LARGEST_SCRIPT and has_lost_breaks(script)
    return Pasted(
        body=plain,
        evalscript=script_with_breaks(script) if is_lost else script,
        place=reading.place(line),
        had_keys=has_keys(body),
        had_lost_breaks=is_lost,
    )
