"""The keys that a manifest may have, read off its models: for what is said of an unknown key, and for the schema."""

from collections.abc import Iterator
from typing import Any, get_args

from controller.manifest import Manifest, Written


def model_at(path: tuple[str | int, ...]) -> type[Written] | None:
    """The model of the mapping at `path`; None where there is none."""
    model: type[Written] | None = Manifest
    for step in path:
        if isinstance(step, str) and model is not None:
            model = child_models(model).get(step)
    return model


def known_keys(model: type[Written]) -> tuple[str, ...]:
    """As they are written, in the order of the model."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def example_of(model: type[Written], key: str) -> Any:
    """What a person could write for a key; None when only the keys below it can tell."""
    found = [field for name, field in model.model_fields.items() if key == (field.alias or name)]
    return found[0].examples[0] if found and found[0].examples else None


def child_models(model: type[Written]) -> dict[str, type[Written] | None]:
    """For every key of a model, the model of what stands below it."""
    return {field.alias or name: _model_in(field.annotation) for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[Written] | None:
    return next((each for each in _leaves(annotation) if issubclass(each, Written)), None)


def _leaves(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _leaves(inner)
