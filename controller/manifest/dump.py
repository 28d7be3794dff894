"""A manifest's text as a user would write it: for `import` and `init`.

Pure. PyYAML writes it; `document`, which reads YAML 1.2, reads back exactly the values it was made from.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, cast

from yaml import CollectionNode, MappingNode, Node, SafeDumper, ScalarNode, serialize
from yaml.emitter import ScalarAnalysis

WIDEST = 100
VALUE, ITEM = 1, 2
"""How deep a collection on one line may be, as the value of a key and as an item of a list."""
_PLAIN = re.compile(r"[A-Za-z_/][\w./+-]*(?:://[\w./+-]+)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class _Dumper(SafeDumper):
    """Quotes every text that some reader takes for something else, and indents lists below their key."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)

    def check_simple_key(self) -> bool:
        return True  # a long key is no reason for `? key`

    def analyze_scalar(self, scalar: str) -> ScalarAnalysis:
        analysis = super().analyze_scalar(scalar)
        analysis.allow_flow_plain |= _PLAIN.fullmatch(scalar) is not None  # a colon within a word hurts nowhere
        return analysis

    def text(self, text: str) -> ScalarNode:
        is_plain = _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Dumper.add_representer(str, _Dumper.text)
_Dumper.yaml_implicit_resolvers = {  # a time is text here, and needs no quotes
    first: [each for each in known if not each[0].endswith(":timestamp")]
    for first, known in SafeDumper.yaml_implicit_resolvers.items()
}


def manifest_text(document: Mapping[str, Any]) -> str:
    """YAML of a mapping: its own mappings below their keys, what is short inside of them on one line."""
    root = _node(dict(document))
    assert isinstance(root, MappingNode)
    _use_lines(root)
    for _, value in root.value:
        if isinstance(value, MappingNode):
            _use_lines(value)
    return _serialized(root)


def scalar(value: Any) -> str:
    """One value as YAML; text stands without quotes where every reader takes it for text."""
    return _serialized(_node(value)).removesuffix("...\n").removesuffix("\n")


def _node(value: Any) -> Node:
    return _Dumper(cast(Any, None), sort_keys=False).represent_data(value)


def _serialized(node: Node) -> str:
    text: str = serialize(node, Dumper=_Dumper, allow_unicode=True, width=math.inf)
    return text


def _use_lines(node: CollectionNode) -> None:
    """A line for each entry; what it holds is folded where it is short."""
    node.flow_style = not node.value
    for each in node.value:
        value, deepest = (each[1], VALUE) if isinstance(node, MappingNode) else (each, ITEM)
        if isinstance(value, CollectionNode):
            value.flow_style = True
            if _depth(value) > deepest or len(_serialized(value)) > WIDEST:
                _use_lines(value)


def _depth(node: Node) -> int:
    if not isinstance(node, CollectionNode) or not node.value:
        return 0
    below = [value for _, value in node.value] if isinstance(node, MappingNode) else node.value
    return 1 + max(map(_depth, below))
