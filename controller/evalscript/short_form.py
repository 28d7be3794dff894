"""The short form of an evalscript: statements and a `return`, without functions, with bands as variables.

`child` calls it for a script whose `return` stands outside of every function, and runs what it makes of it. Reference
page "Evalscript V3" §1 describes no more than `return [2.5 * B04, …]`.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence

Unknown = Callable[[list[str]], list[str]]

_TOKEN = re.compile(
    r"//[^\n\r\u2028\u2029]*|/\*.*?(?:\*/|\Z)|'(?:\\.|[^'\\\n])*'?|\"(?:\\.|[^\"\\\n])*\"?|`(?:\\.|[^`\\])*`?|\s+|\d[\w.]*|"
    r"(?P<token>[A-Za-z_$][\w$]*|\.\.\.|=>|[=!<>]==?|[-+*/%&|^?]+=|.)",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_$]")
_RESERVED = re.compile(
    r"arguments|async|await|break|case|catch|class|const|continue|debugger|default|delete|do|else|export|extends|false|"
    r"finally|for|function|if|import|in|instanceof|let|new|null|of|return|static|super|switch|this|throw|true|try|"
    r"typeof|var|void|while|with|yield"
)
_FUNCTIONS = frozenset({"setup", "evaluatePixel"})
_LONGEST = 200  # tokens of a list of parameters

# ASSUMED, since the documentation says nothing of it: SIMPLE mosaicking, every band in its default unit, one output
# `default` of sample type AUTO with as many bands as the returned array is long. The length is that of a trial pixel.
_FRAME = """\
const setup = () => {
  for (const value of [0.2, 1, 0]) {
    try {
      const sample = {};
      for (const band of BANDS) sample[band] = band === "dataMask" ? 1 : value;
      const { length } = evaluatePixel(sample);
      if (length > 0) return { input: BANDS, output: { bands: length } };
    } catch {}
  }
  return { input: BANDS, output: { bands: 1 } };
};
const evaluatePixel = ((pixel) => (sample) => pixel(VALUES))(function (NAMES) { """


def with_functions(text: str, unknown: Unknown) -> str | None:
    """The script with the functions the short form leaves out, on its first line so that every other keeps its number.

    None when it does have such functions. `unknown` returns those of some names that the engine does not know: they
    are the bands.
    """
    tokens = [found["token"] for found in _TOKEN.finditer(text) if found["token"]]
    if _FUNCTIONS & {*tokens}:
        return None
    declared = {*_declared(tokens)}
    bands = unknown([name for name in dict.fromkeys(_read(tokens)) if name not in declared])
    frame = " ".join(line.strip() for line in _FRAME.splitlines())
    filling = {
        "BANDS": json.dumps(bands),
        "VALUES": ", ".join(f"sample.{band}" for band in bands),
        "NAMES": ", ".join(bands),
    }
    return re.sub("|".join(filling), lambda found: filling[found[0]], frame) + f" {text}\n}});"


def _read(tokens: Sequence[str]) -> Iterator[str]:
    """The names of variables, without properties and the keys of objects."""
    for place, token in enumerate(tokens):
        if not _is_word(token) or _RESERVED.fullmatch(token):
            continue
        before, after = _at(tokens, place - 1), _at(tokens, place + 1)
        is_key = after == ":" and before in ("{", ",")
        if before != "." and not is_key:
            yield token


def _declared(tokens: Sequence[str]) -> Iterator[str]:
    """The names to which the script gives a value, anywhere. Every token is looked at a few times at the most."""
    openings, first = _openings(tokens), {token: place for place, token in reversed([*enumerate(tokens)])}
    for place, token in enumerate(tokens):
        before, start = _at(tokens, place - 1), openings.get(place - 1, place - 1)
        if token in ("let", "const", "var"):
            yield from _variables(tokens, place + 1)
        elif token in ("function", "catch", "class"):
            yield from _parameters(tokens, place + 1)
        elif token == "=>" or (token == "=" and before in ("]", "}") and not _is_index(tokens, start)):
            yield from _names(tokens[max(start, place - _LONGEST) : place])
        elif token == "=" and first.get(before) == place - 1 and _at(tokens, place - 2) != ".":
            # Not read until here, unlike in `if (B04 > 1) B04 = 1` and in `B04 = B04 / 2`.
            yield from () if _at(tokens, place + 1) == before else (before,)


def _variables(tokens: Sequence[str], start: int) -> Iterator[str]:
    """The names of one declaration: of each part between commas, before its `=`."""
    depth, is_name = 0, True
    for token in tokens[start : start + _LONGEST]:
        depth += (token in "([{") - (token in ")]}")
        if depth < 0 or token in (";", "let", "const", "var") or (depth == 0 and token in ("of", "in", "return")):
            return
        if is_name and _is_word(token):
            yield token
        if depth == 0 and token in ("=", ","):
            is_name = token == ","


def _parameters(tokens: Sequence[str], start: int) -> Iterator[str]:
    """The name of a function or class, if any, and those of its parameters."""
    header = list(tokens[start : start + _LONGEST])
    yield from _names(header[: header.index("{")] if "{" in header else header)


def _openings(tokens: Sequence[str]) -> dict[int, int]:
    """Where each bracket that closes was opened."""
    found, opened = {}, []
    for place, token in enumerate(tokens):
        if token in ("(", "[", "{"):
            opened.append(place)
        elif token in (")", "]", "}") and opened:
            found[place] = opened.pop()
    return found


def _is_index(tokens: Sequence[str], opening: int) -> bool:
    """Whether the bracket belongs to what stands before it, like that of `values[0]`, rather than listing names."""
    before = _at(tokens, opening - 1)
    return before in (")", "]") or _is_word(before)


def _names(tokens: Sequence[str]) -> Iterator[str]:
    """The words of a list of parameters, without their default values."""
    return (token for place, token in enumerate(tokens) if _is_word(token) and _at(tokens, place - 1) not in ("=", "."))


def _is_word(token: str) -> bool:
    return _WORD.match(token) is not None


def _at(tokens: Sequence[str], place: int) -> str:
    return tokens[place] if 0 <= place < len(tokens) else ""
