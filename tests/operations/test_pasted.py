"""A pasted request is read without running it: plain values are taken, and what only running it could tell is told."""

import json
import os
from typing import Any

import pytest

from controller.model.errors import UsageError
from controller.operations.scaffold.pasted import Pasted, read_pasted

SCRIPT = "//VERSION=3\nfunction setup() {}\n"
BODY: dict[str, Any] = {"input": {"bounds": {"bbox": [1, 2.5, 3, 4]}}, "output": {"width": 5}}
SECRET = "CANARY-7f3a"


def pasted(text: str) -> Pasted:
    return read_pasted(text)


READ = Pasted(body=BODY, evalscript=SCRIPT)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(BODY | {"evalscript": SCRIPT}), id="JSON"),
        pytest.param("\ufeff  " + json.dumps(BODY | {"evalscript": SCRIPT}, indent=2) + "\n\n", id="JSON with a mark"),
        pytest.param(repr(BODY | {"evalscript": SCRIPT}), id="a Python dict"),
        pytest.param(repr(BODY | {"evalscript": SCRIPT}).replace("}}", "},}"), id="with commas too many"),
        pytest.param(
            f"evalscript = {SCRIPT!r}\npayload = {BODY!r}\npayload['evalscript'] = evalscript", id="put in afterwards"
        ),
        pytest.param(f"script = {SCRIPT!r}\nrequest = {BODY!r}  # without its script", id="the script beside it"),
        pytest.param(f"oauth.post(url, json={BODY | {'evalscript': SCRIPT}!r})", id="in the call"),
        pytest.param(f"body = {BODY!r}\nbody['evalscript'] = {SCRIPT!r}\noauth.post(url, json=body)\n", id="and named"),
        pytest.param(
            f"def main():\n    with x as y:\n        body = {BODY | {'evalscript': SCRIPT}!r}\n", id="in a function"
        ),
        pytest.param(
            "west, south = 1, 2.5\nstep = 2\nbounds = dict(bbox=[west, south, west + step, 2 * 2])\n"
            f"body = {{**dict(input={{'bounds': bounds}}), 'output': {{'width': 10 / 2}}, 'evalscript': {SCRIPT!r}}}",
            id="from names and sums",
        ),
        pytest.param(
            "version = 3\nscript = f'''//VERSION={version}\nfunction setup() {{}}\n'''\n"
            f"body = {BODY!r} ; body['evalscript'] = script.lstrip()",
            id="an f-string",
        ),
        pytest.param(
            f"import json\nbody = json.loads({json.dumps(BODY | {'evalscript': SCRIPT})!r})", id="JSON in Python"
        ),
        pytest.param(
            '{"input": {"bounds": {"bbox": [1, 2.5, 3, 4,]}}, "output": {"width": 5,}, '
            f'"evalscript": {json.dumps(SCRIPT)}}}',
            id="JSON with commas too many",
        ),
    ],
)
def test_every_way_of_writing_it_says_the_same(text: str) -> None:
    assert pasted(text) == READ


def test_keys_are_gone_however_deep_and_however_they_are_spelled() -> None:
    s3 = f"{{'url': 's3://b', 'accessKey': {SECRET!r}, 'secret_access_key': {SECRET!r}, 'region': 'r'}}"
    found = pasted(f"{{'input': {{}}, 'output': {{'delivery': {{'s3': {s3}}}}}}}")
    assert found.body["output"] == {"delivery": {"s3": {"url": "s3://b", "region": "r"}}}
    assert found.had_keys
    assert SECRET not in repr(found)


def test_a_key_that_only_running_it_could_tell_is_no_hindrance() -> None:
    s3 = "{'url': 's3://b', 'accessKey': os.environ['KEY'], 'secretAccessKey': getpass('secret')}"
    found = pasted(f"body = {{'input': {{}}, 'output': {{'delivery': {{'s3': {s3}}}}}}}")
    assert (found.had_keys, found.body["output"]) == (True, {"delivery": {"s3": {"url": "s3://b"}}})


def test_nothing_is_executed() -> None:
    text = f"import os\nos.environ['SHJOBS_CANARY'] = 'x'\nopen('canary', 'w')\nbody = {BODY!r}\n(lambda: 1 / 0)()\n"
    assert pasted(text).body == BODY
    assert "SHJOBS_CANARY" not in os.environ


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "holds no request", id="nothing"),
        pytest.param("hello", "holds no request", id="a word"),
        pytest.param("[1]", "holds no request", id="a list"),
        pytest.param('{"input": {}}', "holds no request", id="half a request"),
        pytest.param('{"kind": "AsyncProcess"}', "is a manifest already", id="a manifest"),
        pytest.param("a = {'input': 1, 'output': 2}\nb = {'input': 1, 'output': 3}", "holds 2 requests", id="two"),
        pytest.param("x = (\n\ny = 1", "line 1 cannot be read", id="a bracket that stays open"),
        pytest.param('{"input": {}, "output": {},, }', "is neither JSON nor Python: line 1", id="two commas"),
        pytest.param(
            "body = {\n'input': start(),\n'output': {}}", "line 2: input: a call is not carried out", id="a call"
        ),
        pytest.param("body = {'input': a, 'output': {}}", "line 1: input: `a` is not known here", id="an unknown name"),
        pytest.param(
            "for n in (1, 2):\n    a = n\nbody = {'input': a, 'output': {}}", "`a` is not assigned plainly", id="a loop"
        ),
        pytest.param("body = {'input': [1, 2][7], 'output': {}}", "there is no such item", id="no such item"),
        pytest.param("body = {'input': 1 / 0, 'output': {}}", "a division by zero", id="a division by zero"),
        pytest.param("body = {'input': 2 ** 9, 'output': {}}", "can only be known by running it", id="a power"),
        pytest.param("body = {'input': f'{1:>99999999}', 'output': {}}", "by running it", id="a wide format"),
        pytest.param("body = {'input': f'{1:s}', 'output': {}}", "does not fit its format", id="a wrong format"),
        pytest.param("body = {1: 2, 'input': 1, 'output': {}}", "holds no request", id="a key that is no text"),
        pytest.param('{"input": NaN, "output": {}}', "input: must be a finite number", id="no number"),
        pytest.param("body = {'input': 1, 'output': 1, 'evalscript': 3}", "evalscript: must be text", id="no script"),
        pytest.param("x\0", "cannot be read", id="a null byte"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        pasted(text)
    assert words in str(caught.value)


GROWING = 60


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a = 'x'\n" + "a = a + a\n" * GROWING, id="a text"),
        pytest.param("a = 'x'\n" + "a = f'{a}{a}'\n" * GROWING, id="an f-string"),
        pytest.param("a = [1]\n" + "a = a + a\n" * GROWING, id="a list"),
        pytest.param("a = [1]\n" + "a = [a, a]\n" * GROWING, id="lists of lists"),
        pytest.param("a = [1]\n" + "a = [a]\n" * 5000, id="depth"),
        pytest.param("a = 9\n" + "a *= a\n" * GROWING, id="a number"),
        pytest.param("a = {}\na['a'] = a", id="a circle"),
        pytest.param(f"a = {'[' * 5000}{']' * 5000}", id="brackets"),
        pytest.param("a = " + "-" * 5000 + "1", id="signs"),
        pytest.param("a = " + "+".join(["1"] * 20000), id="a long sum"),
        pytest.param("a = " + "+".join(["1"] * 990), id="a sum that can just be parsed"),
    ],
)
def test_nothing_grows_without_end(text: str) -> None:
    with pytest.raises(UsageError, match=r"too|cannot be read"):
        pasted(f"{text}\nbody = {{'input': a, 'output': {{}}}}")


def test_no_message_repeats_what_stands_there() -> None:
    for text in (
        f"body = {{'input': f({SECRET!r}), 'output': {{}}}}",
        f"body = {{'input': {{'accessKey': {SECRET!r}}}, 'output': x}}",
        f"body = {{'input': {SECRET!r}",
        f'{{"accessKey": "{SECRET}",, }}',
        f"'{SECRET}",
    ):
        with pytest.raises(UsageError) as caught:
            pasted(text)
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
