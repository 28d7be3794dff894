"""Reads a value as one of the models and says what is wrong with its keys and types, in plain words.

Called by `validate`, and by whatever else reads a document with a model.
"""

import re
from typing import Any, TypeVar

from pydantic import ValidationError

from controller.manifest.document import Path
from controller.manifest.model import StrictModel, child_models, example_of, known_keys, model_at
from controller.manifest.problems import ProblemCollector, kind_of, one_of
from controller.manifest.remedies import number_remedy, unknown_key_remedy
from controller.manifest.request import BOOLEANS
from controller.model.catalog import nearest

Model = TypeVar("Model", bound=StrictModel)

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a mapping (`key: value`)",
    "dict_type": "a mapping (`key: value`)",
    "tuple_type": "a list (`- …` or `[…]`)",
    "list_type": "a list (`- …` or `[…]`)",
    "finite_number": "a finite number",
}
_CODES = {"missing": "E105", "literal_error": "E108", "too_short": "E107", "string_too_short": "E107"}
_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def read_keys(model: type[Model], faults: ProblemCollector, at: Path = ()) -> Model | None:
    """The model of the value at `at`; None when its keys or types are wrong, which `faults` then lists."""
    try:
        return model.model_validate(faults.at(at))
    except ValidationError as error:
        errors = error.errors(include_url=False)
    # Unknown keys first: a misspelt required key explains why that key is missing.
    for each in sorted(errors, key=lambda each: each["type"] != "extra_forbidden"):
        path: Path = (*at, *each["loc"])
        if faults.is_full:
            break
        if each["type"] == "extra_forbidden":
            _unknown_key(faults, model_at(each["loc"][:-1], model), path)
        elif (each["type"] == "missing" and isinstance(path[-1], int)) or each["type"] == "too_long":
            place = path[:-1] if each["type"] == "missing" else path
            faults.add(place, "E106", "must be four numbers: [x1, y1, x2, y2]")
        elif each["type"] != "too_short" or not each["input"]:  # a list of bad elements counts as too short as well
            faults.add(path, _code(each), _words(each, model))
    return None


def _unknown_key(faults: ProblemCollector, model: type[StrictModel] | None, path: Path) -> None:
    *around, key = path
    if model is None:
        return
    if remedy := unknown_key_remedy(path):
        faults.add(path, "E104", remedy)
        return
    near = nearest(str(key), known_keys(model))
    home = next((name for name, child in child_models(model).items() if child and key in known_keys(child)), None)
    if near:
        faults.add(path, "E104", f"unknown key: did you mean `{near}`?")
        if near not in faults.mapping(tuple(around)):
            faults.silent.add((*around, near))
    elif home:
        faults.add(path, "E104", f"unknown key here: it belongs below `{home}`")
        if home not in faults.mapping(tuple(around)):
            faults.silent.add((*around, home))
    else:
        faults.add(path, "E104", f"unknown key: the keys here are {', '.join(known_keys(model))}")


def _code(error: Any) -> str:
    """The code of a pydantic error; a validator of `fields` brings its own."""
    if error["type"] == "value_error":
        return str(getattr(error["ctx"]["error"], "code", "E108"))
    return "E106" if error["type"] in _TYPES else _CODES.get(error["type"], "E109")


def _words(error: Any, root: type[StrictModel]) -> str:
    """A pydantic error in plain words."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, not {kind_of(value)}{_remedy(kind, value)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return one_of(re.findall(r"'([^']*)'", context["expected"]), value)
    if kind == "missing":
        return f"is missing{_example(error['loc'], root)}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    limits = [f"{words} {context[limit]:.12g}" for limit, words in _LIMITS.items() if limit in context]
    return f"must be {' and '.join(limits)}" if limits else "cannot be used here"


def _remedy(kind: str, value: Any) -> str:
    if kind in ("int_type", "float_type"):
        return number_remedy(value, kind == "int_type")
    if kind == "bool_type" and isinstance(value, str):
        return ": remove the quotes" if value in BOOLEANS else ""
    return ": put it in quotes" if kind == "string_type" and isinstance(value, int | float) else ""


def _example(path: Path, root: type[StrictModel]) -> str:
    model = model_at(path[:-1], root)
    example = example_of(model, str(path[-1])) if model else None
    return f": write for example `{path[-1]}: {example}`" if example is not None else ""
