"""Texts and paths that a page must show as they are, whatever they hold: other scripts, great length, attacks."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "arabic": "الصورة غير صالحة: لا توجد مشاهد في هذه الفترة",
    "chinese": "请求无效。该时段内没有可用的影像。请检查时间范围和数据集名称。",
    "script": "<script>alert(1)</script>",
    "markup": "\"><img src=x onerror=alert(1)>'--><svg onload=alert(1)>",
    "control": "before\x07\x1b[31mred\x1b[0m\x7f after\u2028next\ufeffend",
    "bidi": "evil\u202egnp.exe\u2066 nested \u202eoverrides without an end",
    "template": "{{ 7 * 7 }}{% raw %} ${7*7} %s %(x)s",
    "long": "unbroken" * 250,
}
"""By a word that is also a job's name."""


def hostile_path(kind: str, name: str) -> str:
    """A file of this name below a folder that is named by the text, as far as file systems allow."""
    part = TEXTS[kind][:60].replace("/", "_").strip()
    return "/".join([part] * (8 if kind == "long" else 1) + [name])
