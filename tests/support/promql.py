"""A tiny reader of Prometheus: its text format, and the few forms of expressions that our alert rules use.

`name{label="text",label!~"a|b"}`, numbers, `time()`, `absent(...)`, `max_over_time(...[10m])`, `+ - * /`, comparisons
that filter, `and`, `or`. Between two vectors, elements with the same labels meet; there is only one scrape to look at.
Anything else raises `ValueError`.
"""

import operator
import re
from collections.abc import Callable, Mapping

Labels = frozenset[tuple[str, str]]
Vector = Mapping[Labels, float]
Value = Vector | float

_SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
_TOKEN = re.compile(r"\s*([a-z_]+(?:\{[^}]*\})?(?:\[\w+\])?|[0-9.]+|==|!=|>=|<=|[-+*/()<>])")
_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "=~": lambda text, pattern: re.fullmatch(pattern, text) is not None,
    "!~": lambda text, pattern: re.fullmatch(pattern, text) is None,
}
_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_EQUALITY = {"==": operator.eq, "!=": operator.ne}
_COMPARISONS = {**_EQUALITY, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
_LEVELS: tuple[tuple[str, ...], ...] = (("or",), ("and",), tuple(_COMPARISONS), ("+", "-"), ("*", "/"))


def samples(page: str) -> dict[str, dict[Labels, float]]:
    """What a page of metrics says, by name."""
    found: dict[str, dict[Labels, float]] = {}
    for line in page.splitlines():
        if line and not line.startswith("#"):
            match = _SAMPLE.match(line)
            if match is None:
                raise ValueError(line)
            labels = frozenset((name, text) for name, _, text in _LABEL.findall(match[2] or ""))
            found.setdefault(match[1], {})[labels] = float(match[3])
    return found


def firing(expression: str, page: str, now: float) -> Vector:
    """The elements for which an alert with this expression would fire."""
    reader = _Reader(expression, samples(page), now)
    value = reader.level(0)
    if reader.tokens or not isinstance(value, Mapping):
        raise ValueError(f"{expression!r} is not understood")
    return value


class _Reader:
    def __init__(self, expression: str, found: Mapping[str, Vector], now: float) -> None:
        self.tokens = _TOKEN.findall(expression)
        if "".join(self.tokens) != re.sub(r"\s", "", expression):
            raise ValueError(f"{expression!r} is not understood")
        self._found = found
        self._now = now

    def level(self, number: int) -> Value:
        if number == len(_LEVELS):
            return self._atom()
        left = self.level(number + 1)
        while self.tokens and self.tokens[0] in _LEVELS[number]:
            sign = self.tokens.pop(0)
            left = _joined(sign, left, self.level(number + 1))
        return left

    def _atom(self) -> Value:
        token = self.tokens.pop(0)
        if token[0].isdigit():
            return float(token)
        if token in ("time", "absent", "max_over_time", "("):
            if token != "(":
                self._expect("(")
            inner = self.level(0) if token != "time" else self._now
            self._expect(")")
            return inner if token != "absent" else {} if inner else {frozenset(): 1.0}
        return self._selected(token)

    def _expect(self, token: str) -> None:
        if self.tokens.pop(0) != token:
            raise ValueError(token)

    def _selected(self, selector: str) -> Vector:
        name, _, conditions = selector.partition("[")[0].partition("{")
        wanted = _LABEL.findall(conditions)
        return {
            labels: value
            for labels, value in self._found.get(name, {}).items()
            if all(_MATCHES[sign](dict(labels).get(label, ""), text) for label, sign, text in wanted)
        }


def _joined(sign: str, left: Value, right: Value) -> Value:
    if sign in ("and", "or"):
        if not (isinstance(left, Mapping) and isinstance(right, Mapping)):
            raise ValueError(sign)
        return {**right, **left} if sign == "or" else {key: left[key] for key in left if key in right}
    if sign in _ARITHMETIC:
        return _mapped(left, right, _ARITHMETIC[sign])
    is_so = _COMPARISONS[sign]
    kept = _mapped(left, right, lambda first, second: first if is_so(first, second) else None)
    return {key: value for key, value in kept.items() if value is not None} if isinstance(kept, Mapping) else kept


def _mapped(left: Value, right: Value, apply: Callable[[float, float], float | None]) -> Value:
    """Apply to two numbers, to each element and a number, or to the elements of both with the same labels."""
    if isinstance(left, Mapping):
        pairs = {key: (value, right.get(key) if isinstance(right, Mapping) else right) for key, value in left.items()}
    elif isinstance(right, Mapping):
        pairs = {key: (left, value) for key, value in right.items()}
    else:
        pairs = {frozenset(): (left, right)}
    found = {key: apply(first, second) for key, (first, second) in pairs.items() if second is not None}
    if isinstance(left, Mapping) or isinstance(right, Mapping):
        return found  # type: ignore[return-value]  # a comparison drops the None at once
    return found[frozenset()] or 0.0
