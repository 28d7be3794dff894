"""A pasted request is read without running it: plain values are taken, and what only running it could tell is told."""

import ast
import json
import os
import sys
from types import CodeType, FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.errors import UsageError
from controller.operations.scaffold.names import MOST_SEARCHED, Names
from controller.operations.scaffold.pasted import Pasted, read_pasted
from controller.operations.scaffold.readers.python_code import _see_written, parse_python, read_python
from tests.support.requests import BODIES, FORMS

SCRIPT = "//VERSION=3\nfunction setup() {}\n"
BODY: dict[str, Any] = {"input": {"bounds": {"bbox": [1, 2.5, 3, 4]}}, "output": {"width": 5}}
SECRET = "CANARY-7f3a"


def pasted(text: str) -> Pasted:
    [found] = read_pasted(text).requests
    return found


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
        pytest.param(f"curl u -d @- <<< '{json.dumps(BODY | {'evalscript': SCRIPT})}'", id="a string of a shell"),
        pytest.param(f"wget u --post-data '{json.dumps(BODY | {'evalscript': SCRIPT})}'", id="another program"),
        pytest.param(f"body <- '{json.dumps(BODY | {'evalscript': SCRIPT})}'\nPOST(u, body = body)", id="R"),
        pytest.param(
            json.dumps(BODY | {"evalscript": SCRIPT}).replace('"width": 5', '"width": 5, "width": 5'), id="a key twice"
        ),
        pytest.param(f"$body = '{json.dumps(BODY | {'evalscript': SCRIPT})}';", id="PHP"),
        pytest.param(
            f"RequestBody body = create(type, {json.dumps(json.dumps(BODY | {'evalscript': SCRIPT}))});", id="Java"
        ),
        pytest.param(
            f"const script: string = `{SCRIPT}`;\nconst body: Body<A> = {{...{json.dumps(BODY)}, evalscript: script}};",
            id="TypeScript",
        ),
        pytest.param(
            f"class A:\n    def go(self):\n        s = {SCRIPT!r}\n        post(dumps(dict({BODY!r}, evalscript=s)))",
            id="a class",
        ),
        pytest.param(f"data = '{json.dumps(BODY)}'\npost(data=data)\ns = {SCRIPT!r}", id="a text that is sent"),
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
        pytest.param("x = (\n\ny = 1", "line 1 cannot be read", id="a bracket that stays open"),
        pytest.param('{"input": {}, "output": {},, }', "as Python, line 1 cannot be read", id="two commas"),
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
        pytest.param(
            "body = {f(): 2, 'input': 1, 'output': {}}",
            "line 1: the request that begins here",
            id="a key that is no text",
        ),
        pytest.param('{"input": NaN, "output": {}}', "input: must be a finite number", id="no number"),
        pytest.param("body = {'input': 1, 'output': 1, 'evalscript': 3}", "evalscript: must be text", id="no script"),
        pytest.param("x\0", "cannot be read", id="a null byte"),
        pytest.param(
            r'{"input": {}, "output": {}, "evalscript": "//VERSION=3 \ud83d"}',
            "evalscript: half of a surrogate pair",
            id="half a character",
        ),
        pytest.param(
            r'{"input": {"\ud83d": 1}, "output": {}}', "input: a key with half of a surrogate pair", id="half in a key"
        ),
        pytest.param(f"a = {{'input': 0x{'f' * 5000}, 'output': {{}}}}", "this becomes too large", id="a long number"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        pasted(text)
    assert words in str(caught.value)


CALLED = '{"info": {}, "item": [{"request": {}}, {"request": {"body": {"mode": "raw", "raw": %s}}}]}'
CELLS = '{"cells": [{"cell_type": "markdown", "source": "x"}, {"cell_type": "code", "source": [%s]}]}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "curl x -d '{\"input\": {\"a\": \"'$A'\"}, \"output\": {}}'", "line 1: input.a: `$A` is not known here",
            id="a shell's variable",
        ),
        pytest.param(
            "date\ncurl x -d '{\"input\": {\"bounds\": .}}'", "line 2: input: this is not JSON", id="a command's text"
        ),
        pytest.param(
            "curl x \\\n -F request=@a/request.json", "line 1: input: it is in the file 'a/request.json', which",
            id="a file",
        ),
        pytest.param(
            "curl x -F 'request={\"input\": {}}' -F 'evalscript=<a.js'", "evalscript: it is in the file 'a.js'",
            id="a script",
        ),
        pytest.param(
            "for F in *.json; do\n curl x -d @$F\ndone", "line 2: input: it is in the file `$F`, whose name is not",
            id="files of a loop",
        ),
        pytest.param("curl x --data-binary @-", "line 1: input: what this command reads", id="nothing to read"),
        pytest.param(
            "const day = pick()\nfetch(u, {body: JSON.stringify({input: {a: day}, output: {}})})",
            "line 1: input.a: this can only be known by running it", id="a call in JavaScript",
        ),
        pytest.param(
            "fetch(u, {\n body: JSON.stringify({\n input: {a: `${one}`}, output: {}})})",
            "line 3: input.a: `one` is not known here", id="a part of a template",
        ),
        pytest.param(
            CALLED % json.dumps('{"input": {"a": "{{area}}"}, "output": {}}'),
            "request 2 of the collection, line 1: input.a: `{{area}}` is not known here", id="a variable of Postman",
        ),
        pytest.param(
            CALLED % json.dumps('{"input": {"a": {{area}}}, "output": {}}'),
            "request 2 of the collection, line 1: input: `{{area}}` has no value", id="a number of Postman",
        ),
        pytest.param(
            CELLS % '"import x\\n", "%load x\\n", "body = {\'input\': {\'a\': b}, \'output\': {}}"',
            "cell 2, line 3: input.a: `b` is not known here", id="a name in a notebook",
        ),
        pytest.param(
            '{"input": {}, "output": {"width": 512, "width": 5120}}',
            "output.width: this key is written twice, with two values", id="a key that is twice in JSON",
        ),
        pytest.param(
            "curl x -d '{\"input\": {},\n\"output\": {\"width\": 512,\n\"width\": 5120}}'",
            "line 3: output.width: this key is written twice, with two", id="a key that is twice in a command",
        ),
        pytest.param(
            "a = json.loads('{\"input\": {\"a\": 1, \"a\": 2}, \"output\": {}}')", "input.a: this key is written twice",
            id="a key that is twice in a text of Python",
        ),
        pytest.param(
            "def ask(box):\n    return {'input': {'bbox': box}, 'output': {}}",
            "line 1: input.bbox: `box` is an argument of ask()", id="an argument",
        ),
        pytest.param(
            "for day in days:\n    ask(json={'input': day, 'output': {}})",
            "line 1: input: `day` is not assigned plainly", id="a loop",
        ),
        pytest.param(
            "Text (see below)\n\n    body = {\n      'input': ask(),\n      'output': {}}\nand so on",
            "line 4: input: a call is not carried out", id="code within a page",
        ),
        pytest.param("```py\nx = 1\nbody = {'input': y, 'output': 1}\n```", "line 3: input: `y`", id="fenced code"),
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_reported_with_its_line_in_every_language(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        pasted(text)
    assert words in str(caught.value)


ONE, TWO = ({"input": {"a": number}, "output": {}, "evalscript": "//VERSION=3"} for number in (1, 2))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps([ONE, TWO]), id="a list"),
        pytest.param(f"a = {ONE!r}\nb = {TWO!r}\n", id="two names"),
        pytest.param(f"a = {ONE!r}\npost(json=a)\na = {TWO!r}\npost(json=a)", id="one name after the other"),
        pytest.param(f"a = {ONE!r}\npost(json=a)\na['input']['a'] = 2\npost(json=a)", id="one that is changed"),
        pytest.param(f"First:\n{json.dumps(ONE)}\nand then:\n{json.dumps(TWO, indent=1)}\nthat's it", id="a page"),
        pytest.param(f"```json\n{json.dumps(ONE)}\n```\n```python\nb = {TWO!r}\n```", id="two languages"),
        pytest.param(f"curl -d '{json.dumps(ONE)}' u && curl -d '{json.dumps(TWO)}' u", id="two commands"),
        pytest.param(f"a = {ONE!r}\nb = copy.deepcopy(a)\nb['input']['a'] = 2", id="a copy that is changed"),
    ],
)
def test_several_requests_are_found_in_their_order_and_each_once(text: str) -> None:
    assert [each.body["input"] for each in read_pasted(text).requests] == [ONE["input"], TWO["input"]]


CHANGED = [
    pytest.param("a['output']['width'] *= 3", {"width": 15}, id="multiplied"),
    pytest.param("a['output'].update({'height': 6})", {"width": 5, "height": 6}, id="updated"),
    pytest.param("a['output'].update(dict(height=6))\ndel a['output']['width']", {"height": 6}, id="deleted"),
    pytest.param("a['output']['responses'] = []\na['output']['responses'].append(1)", {"width": 5, "responses": [1]},
                 id="appended"),
    pytest.param("a['output'].update({'width': 7}, height=6)", {"width": 7, "height": 6}, id="updated by keywords"),
    pytest.param("o = a['output']\no |= {'height': 6}", {"width": 5, "height": 6}, id="merged under another name"),
    pytest.param("r = a['output']['responses'] = []\nr += [1]", {"width": 5, "responses": [1]}, id="two names at once"),
    pytest.param("b = a.copy()\nb['output']['width'] = 9", {"width": 9}, id="a copy that shares what is inside"),
    pytest.param("a['output']['responses'] = [1]\nb = list(a['output']['responses'])\nb[0] = 9",
                 {"width": 5, "responses": [1]}, id="a list that is copied"),
    pytest.param("s = json.dumps(a)\na['output']['width'] = 9\na = s", {"width": 5}, id="a text that was made before"),
    pytest.param("r = []\na['output']['responses'] = r\nr.extend([1, 2])", {"width": 5, "responses": [1, 2]},
                 id="extended"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "output"), CHANGED)
def test_a_request_that_is_changed_afterwards_is_known_as_it_is_then(code: str, output: dict[str, Any]) -> None:
    assert pasted(f"a = {BODY!r}\n{code}\npost(json=a)").body["output"] == output


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("a['output'].pop('width')", id="a call"),
        pytest.param("a['input']['bounds']['bbox'].insert(0, 9)", id="a call of a list"),
        pytest.param("if large:\n    a['output']['width'] = 50", id="a condition"),
        pytest.param("for each in sizes:\n    a['output'].update(each)", id="a loop"),
        pytest.param("while not large:\n    a['output']['width'] += 1", id="a loop that adds"),
    ],
)
def test_a_request_that_is_changed_in_ways_not_carried_out_is_not_taken_as_it_was(code: str) -> None:
    with pytest.raises(UsageError, match=r"line [23]: .*(not carried out|not assigned plainly)"):
        pasted(f"a = {BODY!r}\n{code}\npost(json=a)")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("for d in a['input']['data']:\n    d['dataFilter']['maxCloudCoverage'] = 20", id="a loop's item"),
        pytest.param("for n, d in enumerate(a['input']['data']):\n    d['type'] = 'dem'", id="a numbered item"),
        pytest.param("[d.update(type='dem') for d in a['input']['data']]", id="an item of a comprehension"),
        pytest.param("d = [d for d in a['input']['data'] if d['type']]\nd[0]['type'] = 'dem'", id="a chosen item"),
        pytest.param("out = a['output']\nfor w in sizes:\n    out['width'] = w", id="another name in a loop"),
        pytest.param("if large:\n    out = a['output']\n    out['width'] = 50", id="another name in a condition"),
        pytest.param("for d in sorted(a['input']['data']):\n    d['type'] = 'dem'", id="a loop over a sorted list"),
        pytest.param("d = sorted(a['input']['data'])\nd[0]['type'] = 'dem'", id="an item of a sorted list"),
        pytest.param("d = list({'x': a}.values())\nd.pop()['output'] = 9", id="what is taken from a list"),
        pytest.param(
            "def f(b):\n    d = list(b['data'])\n    d[0]['type'] = 'dem'\nf(a['input'])", id="an argument's item"
        ),
        pytest.param(
            "def f(b):\n    c = dict(b)\n    c['output'] = 9\n    post(json=c)\nf(a)", id="a copy of an argument"
        ),
        pytest.param("def f(b):\n    c = {k: b[k] for k in b}\n    c['output'] = 9\nf(a)", id="a copy of its keys"),
        pytest.param("a['input']['bounds']['bbox'][0:2] = [9, 9]", id="a slice"),
        pytest.param("a['output'][side] = 9", id="a key that is not known"),
        pytest.param("del a['output'][side]", id="a deletion of a key that is not known"),
        pytest.param("if x:\n    del a['output']['width']", id="a deletion in a condition"),
        pytest.param("x = a['output'].pop('width')", id="a call whose result is used"),
        pytest.param("for b in [a]:\n    b['output']['width'] = 9", id="a loop over requests"),
        pytest.param("q = [a]\nq.pop()['output']['width'] = 9", id="a request that is taken from a list"),
        pytest.param("f = lambda b: b['output'].update(width=9)\nf(a)", id="a function without a name"),
        pytest.param("dict.update(a['output'], width=9)", id="a method of its class"),
        pytest.param("class C:\n  def go(self, b):\n    b['output'] = 1\nC().go(a)", id="a method of the text"),
        pytest.param("a['output'].__setitem__('width', 9)", id="a method behind the brackets"),
        pytest.param("a.setdefault('output', {})['width'] = 9", id="a default that is changed"),
        pytest.param("a.get('output')['width'] = 9", id="a result that is changed"),
        pytest.param("a['output']['width'], x = size()", id="two targets"),
        pytest.param("a['output'].update(**size())", id="keywords that are not known"),
        pytest.param("try:\n    go()\nexcept E:\n    a['output']['width'] = 9", id="a handler"),
        pytest.param("match x:\n    case 1:\n        a['output']['width'] = 9", id="a case"),
        pytest.param("def widen(b, w):\n    b['output']['width'] = w\nwiden(a, 9)", id="a function of the text"),
        pytest.param(
            "def widen(s, b):\n    b['output'] = s\nwiden(b=a, s=9)", id="a function that is given it by a name"
        ),
        pytest.param("def widen(s, *b):\n    b[0]['output'] = s\nwiden(9, a)", id="a function that is given many"),
        pytest.param("def widen(s, b):\n    b['output'] = s\nwiden(*[9, a])", id="a function that is given a list"),
        pytest.param("def widen(b):\n    b['output'] = 9\nwiden(**{'b': a})", id="a function that is given a dict"),
        pytest.param("class C:\n  @staticmethod\n  def go(b):\n    b['output'] = 1\nC.go(a)", id="a method of a class"),
    ],
)
def test_a_change_that_cannot_be_carried_out_left_the_request_as_it_was(code: str) -> None:
    body = {"input": {"bounds": {"bbox": [1, 2]}, "data": [{"type": "s", "dataFilter": {}}]}, "output": {"width": 5}}
    with pytest.raises(UsageError, match=r"line [2-6]: .*(not carried out|not assigned plainly)"):
        pasted(f"a = {body!r}\n{code}\npost(json=a)")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            "def submit(s, b):\n    s.headers.update(x=1)\n    s.post(u, json=b)\nsubmit(s, a)", id="a session"
        ),
        pytest.param("def submit(b, h):\n    h['x'] = 1\n    post(json=b, headers=h)\nsubmit(a, {})", id="headers"),
        pytest.param("def submit(b, h):\n    h['x'] = 1\nsubmit(h={}, b=a)", id="headers by their name"),
        pytest.param(
            "def submit(b, **kw):\n    kw.setdefault('t', 3)\n    post(json=b, **kw)\nsubmit(a)", id="a new dict"
        ),
        pytest.param(
            "def submit(b, t):\n    h = made(t)\n    h['x'] = 1\n    post(json=b)\nsubmit(a, t)", id="made headers"
        ),
        pytest.param("def run(b, results):\n    results.append(post(json=b))\nrun(a, [])", id="a list of results"),
        pytest.param("keep = lambda b, kept: kept.append(b)\nkeep(a, [])", id="a function without a name"),
        pytest.param("class Q:\n  def put(self, q, b):\n    q.append(b)\nQ().put([], a)", id="a method"),
        pytest.param("class Q:\n  def put(self, q):\n    q.clear()\nrequests.put(a)", id="a method of a module's name"),
        pytest.param("def put(q):\n    q.clear()\nrequests.put(a)", id="a function of a module's name"),
    ],
)
def test_a_function_that_changes_something_else_kept_the_request_from_being_read(code: str) -> None:
    assert pasted(f"a = {BODY!r}\n{code}").body == BODY


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("x = [v for v in box]\nx.sort()", id="a comprehension"),
        pytest.param("x = sorted(box)\nx.append(9)", id="a sorted list"),
        pytest.param("x = list(map(round, box))\nx[0] = 9", id="a list that is made of another"),
        pytest.param("x = set(box)\nx.pop()", id="a set"),
        pytest.param("if y:\n    x = [v for v in box]\n    x.sort()", id="a comprehension in a condition"),
        pytest.param("def check(b):\n    keys = list(b)\n    keys.sort()\ncheck(a)", id="the keys of an argument"),
    ],
)
def test_a_change_of_a_new_list_was_taken_for_one_of_the_request(code: str) -> None:
    assert pasted(f"a = {BODY!r}\nbox = a['input']['bounds']['bbox']\n{code}\npost(json=a)").body == BODY


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("for w in (1, 2):\n    a['output']['width'] = w\n    post(json=a)", "output.width", id="a loop"),
        pytest.param("while go():\n    a['input']['bounds'].update(more)\n    post(json=a)", "bounds", id="a change"),
        pytest.param("if x:\n    a['output']['width'] = 9\nelse:\n    post(json=a)", "output.width", id="a branch"),
        pytest.param("for w in (1, 2):\n    a = {**a, 'output': {'width': w}}\n    post(json=a)", "", id="a copy"),
        pytest.param(
            "w = 5\n[post(json={**a, 'output': {'width': w}}) for w in sizes]\ndel a['output']", "output.width",
            id="a comprehension",
        ),
    ],
)  # fmt: skip
def test_what_a_block_sends_was_read_as_it_was_before_the_block(code: str, words: str) -> None:
    with pytest.raises(UsageError, match=rf"line [23]: .*{words}.*(not assigned plainly|not carried out)"):
        pasted(f"a = {BODY!r}\n{code}")


def test_a_request_of_a_comprehension_within_a_block_is_not_read_with_a_name_from_outside() -> None:
    with pytest.raises(UsageError, match=r"line 4: output.width: `w` is not assigned plainly"):
        pasted("w = 5\nif x:\n    [post(json={'input': {}, 'output': {'width': w}})\n     for w in sizes]")


def test_what_a_block_sends_is_known_where_the_block_says_it() -> None:
    copied = "b = copy.deepcopy(a)\n    b['output']['width'] = 9\n    post(json=b)"
    for block in (f"for _ in days:\n    {copied}", f"if large:\n    {copied}"):
        found = read_pasted(f"a = {BODY!r}\n{block}\npost(json=a)").requests
        assert [each.body["output"]["width"] for each in found] == [5, 9]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("print(a)", id="a value"),
        pytest.param("print('body', json.dumps(a, indent=2))", id="a text"),
        pytest.param("print(f'body {json.dumps(a)}')", id="an f-string"),
        pytest.param("logger.info('body %s', json.dumps(a))", id="a log"),
    ],
)
def test_a_request_that_is_printed_was_taken_for_one_that_is_sent(code: str) -> None:
    assert pasted(f"a = {BODY!r}\n{code}\na['output']['width'] = 9\npost(json=a)").body["output"] == {"width": 9}


def test_a_request_that_is_only_printed_is_read() -> None:
    assert pasted(f"print(json.dumps({BODY!r}))").body == BODY


def test_a_request_that_is_sent_within_what_is_printed_is_known_as_it_was_sent() -> None:
    sent = "print(post(json=a))"
    found = read_pasted(f"a = {BODY!r}\n{sent}\na['output']['width'] = 9\n{sent}").requests
    assert [each.body["output"]["width"] for each in found] == [5, 9]


def test_what_a_reply_holds_is_no_part_of_what_was_sent() -> None:
    text = f"a = {BODY!r}\nr = post(json=a)\nif r.ok:\n    d = r.json()\n    d['x'] = 1\npost(json=a)"
    assert pasted(text).body == BODY


def test_a_list_of_javascript_is_known_with_what_is_pushed() -> None:
    text = "const data = [];\ndata.push({type: 'dem'});\nconst b = {input: {data}, output: {}};\nb.output.width = 5;"
    assert pasted(text).body == {"input": {"data": [{"type": "dem"}]}, "output": {"width": 5}}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("data.pop();", id="a call"),
        pytest.param("data.push(choose());", id="a value that is not known"),
        pytest.param("Object.assign(b, more);", id="a merge"),
        pytest.param("delete b.input.data;", id="a deletion"),
        pytest.param("b.output.width += 1;", id="a sum"),
        pytest.param("if (large) { b.output.width = 50; }", id="a condition"),
        pytest.param("for (const each of sizes) { data.push({}); }", id="a loop"),
    ],
)
def test_a_request_of_javascript_that_is_changed_otherwise_is_not_taken_as_it_was(code: str) -> None:
    made = "const data = [];\nconst b = {input: {data}, output: {}};"
    text = f"{made}\n{code}\nfetch(u, {{body: JSON.stringify(b)}});"
    with pytest.raises(UsageError, match=r"line 3: .*(not carried out|not assigned plainly|by running it)"):
        pasted(text)


LIST = "const a = {input: {bounds: {bbox: [1, 2]}, data: [{type: 's'}]}, output: {width: 5}};\n"
SEND = "\nfetch(u, {body: JSON.stringify(a)});"


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        pytest.param("a.input.data[0].type = 'dem';", {"data": [{"type": "dem"}]}, id="an item of a list"),
        pytest.param("a.input.bounds.bbox[0] = 9;", {"bounds": {"bbox": [9, 2]}}, id="a number of a list"),
        pytest.param("const d = a.input.data[0];\nd.type = 'dem';", {"data": [{"type": "dem"}]}, id="another name"),
        pytest.param("a.input.more = 0x100;", {"more": 256}, id="a number to another base"),
    ],
)
def test_a_change_of_a_list_of_javascript_was_not_made(code: str, changed: dict[str, Any]) -> None:
    source = {"bounds": {"bbox": [1, 2]}, "data": [{"type": "s"}]}
    assert pasted(LIST + code + SEND).body == {"input": source | changed, "output": {"width": 5}}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("a.output[side] = 9;", id="a key that is not known"),
        pytest.param("a.output.width++;", id="a step"),
        pytest.param("a.output.width ||= 9;", id="a default"),
        pytest.param("a.output.width = 1024 % 100;", id="a remainder"),
        pytest.param("a.output.width = 4 << 8;", id="a shift"),
        pytest.param("const {output} = a;\noutput.width = 9;", id="a part by its name"),
        pytest.param("const [d] = a.input.data;\nd.type = 'dem';", id="a part by its number"),
        pytest.param("a.input.data.forEach(d => { d.type = 'dem'; });", id="a function of each item"),
        pytest.param("a.input.data.filter(f).forEach((d, n) => { d.x = n; });", id="a function of some items"),
        pytest.param("Object.values(a).forEach(v => { v.x = 9; });", id="a function of each value"),
        pytest.param("for (const d of a.input.data) d.type = 'dem';", id="a loop over a list"),
        pytest.param("const o = x ? a.output : {};\no.width = 9;", id="a choice"),
        pytest.param("const d = [a.input.data.pop()];", id="a call whose result is used"),
        pytest.param("if (x) { go(); } else { a.output.width = 9; }", id="the other branch"),
        pytest.param("if (x)\n  a.output.width = 9;", id="a branch without braces"),
        pytest.param("try { go(); } catch { a.output.width = 9; }", id="a handler"),
        pytest.param("[1, 2].forEach(w => { a.output.width = w; });", id="a function of a list without a name"),
        pytest.param(
            "await Promise.all([1, 2].map(async (w) => { a.output.width = w; }));", id="a function that waits"
        ),
        pytest.param("x && (a.output.width = 9);", id="a condition without a word"),
        pytest.param("function widen(b) { b.output.width = 9; }\nwiden(a);", id="a function of the text"),
        pytest.param("const widen = b => { b.output.width = 9; };\nwiden(a);", id="an arrow function of the text"),
        pytest.param("function f(n, b) { b.output = n; }\nf(9, a);", id="a function of two"),
        pytest.param("function f(n = g(1, 2), b) { b.output = n; }\nf(9, a);", id="a function with a default"),
        pytest.param("function f<T>(n, b) { b.output = n; }\nf(1 < 2, a);", id="a function of a type"),
        pytest.param("function f(n, ...b) { b[1].output = n; }\nf(9, 9, a);", id="a function of many"),
        pytest.param("function f(n, b) { b.output = n; }\nf(...[9, a]);", id="a function that is given a list"),
    ],
)
def test_a_change_of_javascript_that_cannot_be_carried_out_left_the_request_as_it_was(code: str) -> None:
    with pytest.raises(UsageError, match=r"line [23]: .*(not carried out|not assigned plainly|by running it)"):
        pasted(LIST + code + SEND)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("const go = async (b, h) => { h.x = 1; await fetch(u, h); };\ngo(a, {});", id="an arrow function"),
        pytest.param("function go(b, h) { h.x = 1; }\nconst h = {};\ngo(a, h);", id="a function"),
        pytest.param("function go(h: Record<string, string>, b) { h.x = 1; }\ngo({}, a);", id="a function with types"),
        pytest.param("const go = (results, ...b) => { results.push(1); };\ngo([], a, a);", id="a list of results"),
    ],
)
def test_a_function_of_javascript_that_changes_something_else_kept_the_request_from_being_read(code: str) -> None:
    assert pasted(LIST + code + SEND).body["output"] == {"width": 5}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(
            "const b = JSON.parse(JSON.stringify(a)); b.output.width = 9;{} fetch(u, {{body: b}});", id="copy"
        ),
        pytest.param("{}\na.output.width = 9;{}", id="sent as text"),
        pytest.param("axios({{data: a}});\na.output.width = 9;\naxios({{data: a}});", id="sent as a value"),
        pytest.param(
            "jobs.push(fetch(u, {{body: JSON.stringify(a)}}));\na.output.width = 9;{}", id="sent in the call of a list"
        ),
        pytest.param("const r = [fetch(u, {{body: JSON.stringify(a)}})];\na.output.width = 9;{}", id="sent in a list"),
        pytest.param("axios.post(u, a);\na.output.width = 9;\naxios.post(u, a);", id="sent by its name"),
    ],
)
def test_a_request_of_javascript_that_is_changed_once_it_is_sent_was_only_known_as_it_became(code: str) -> None:
    found = read_pasted(LIST + code.format(SEND, SEND)).requests
    assert [each.body["output"]["width"] for each in found] == [5, 9]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("console.log(JSON.stringify(a, null, 2));", id="logged as text"),
        pytest.param("console.debug('body', JSON.stringify(a));", id="logged behind a text"),
        pytest.param("console.log('body', a);", id="logged as a value"),
        pytest.param("console.log({a});", id="logged in an object"),
        pytest.param("localStorage.setItem('b', JSON.stringify(a));", id="stored"),
        pytest.param("expect(JSON.parse(JSON.stringify(a))).toBe(x);", id="copied"),
    ],
)
def test_a_request_of_javascript_that_is_logged_or_copied_was_taken_for_one_that_is_sent(code: str) -> None:
    assert pasted(f"{LIST}{code}\na.output.width = 9;{SEND}").body["output"] == {"width": 9}


def test_a_request_of_javascript_that_is_sent_within_a_log_is_known_as_it_was_sent() -> None:
    found = read_pasted(f"{LIST}console.log(await post(u, {{body: JSON.stringify(a)}}));\na.output.width = 9;{SEND}")
    assert [each.body["output"]["width"] for each in found.requests] == [5, 9]


def test_what_a_loop_of_javascript_changes_is_not_known_at_its_begin() -> None:
    text = f"{LIST}for (const w of sizes) {{{SEND} a.output.width = w; }}"
    with pytest.raises(UsageError, match=r"line 3: output.width: `a` is not assigned plainly"):
        pasted(text)


CURL = """curl u -d '{"input": {"bounds": {}}, "output": {"width": '"$W"'}}'"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param('if [ "$1" = big ]; then\n  W=9\nfi\nCURL', id="a condition"),
        pytest.param("if [ x ]; then W=9; fi\nCURL", id="a condition on one line"),
        pytest.param("if [ x ]; then go; else W=9; fi\nCURL", id="the other branch"),
        pytest.param("if [ x ]; then W=9; else CURL; fi", id="what one branch changes and the other sends"),
        pytest.param("for W in 1 2; do\n  CURL\ndone", id="a loop"),
        pytest.param("for W in 1 2\ndo\n  go\ndone\nCURL", id="behind a loop"),
        pytest.param("while go; do\n  CURL\n  W=9\ndone", id="a loop that changes what it sends"),
        pytest.param("case $1 in\n  big) W=9;;\nesac\nCURL", id="a case"),
        pytest.param('[ -n "$1" ] && W=9\nCURL', id="a condition without a word"),
        pytest.param('[ -n "$1" ] || W=9\nCURL', id="its opposite"),
        pytest.param("((W *= 2))\nCURL", id="arithmetic"),
        pytest.param("let W=W*2\nCURL", id="arithmetic by a word"),
        pytest.param("W+=0\nCURL", id="digits that are added"),
        pytest.param("unset W\nCURL", id="a variable that is gone"),
        pytest.param("read -r W MORE\nCURL", id="what is read"),
        pytest.param("printf -v W %d 9\nCURL", id="what is printed into it"),
    ],
)
def test_a_variable_that_a_condition_may_change_was_known_for_certain(code: str) -> None:
    with pytest.raises(UsageError, match=r"line \d: input: `\$W` is not known here"):
        pasted(f"W=5\n{code.replace('CURL', CURL)}\n")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("export W=5\nif [ x ]; then echo; fi\nCURL", id="a condition that changes something else"),
        pytest.param("export A=1 && W=5 && CURL", id="what is certain"),
        pytest.param("for DAY in 1 2; do\n  W=5\n  CURL\ndone", id="what a block says itself"),
        pytest.param("for DAY in 1; do\n W=5\n if x; then y; fi\n CURL\ndone", id="what a block inside leaves"),
        pytest.param("W=5\nLANG=C CURL", id="a variable of one command"),
        pytest.param("declare W=5\nCURL", id="a declaration"),
    ],
)
def test_a_variable_that_is_certain_is_known(code: str) -> None:
    assert pasted(f"{code.replace('CURL', CURL)}\n").body["output"] == {"width": 5}


HERE = 'curl u -d @- <<EOF\n{{"input": {{"bounds": {{}}}}, "output": {{"url": "{}"}}}}\nEOF\n'


@pytest.mark.parametrize(
    ("part", "name"),
    [
        pytest.param("${DIR:-ndvi}", "${DIR…}", id="a default"),
        pytest.param("${F%.tif}", "${F…}", id="a part of a variable"),
        pytest.param("$(hostname)", "$(…)", id="a command"),
        pytest.param("`hostname`", "$(…)", id="a command in backticks"),
        pytest.param("$((2 * 3))", "$(…)", id="a sum"),
        pytest.param("$@", "$@", id="the arguments"),
    ],
)
def test_what_a_shell_expands_was_written_as_it_stands_there(part: str, name: str) -> None:
    word = CURL.replace("'\"$W\"'", f'"\'"{part}"\'"')
    for text in (HERE.format(part), f"F=a.tif\n{word}\n"):
        with pytest.raises(UsageError) as caught:
            pasted(text)
        assert f"`{name}` is not known here" in str(caught.value)


def test_what_a_shell_does_not_expand_is_kept() -> None:
    escaped = HERE.format(r"\${F} \`x\` \$(x)")
    literal = HERE.replace("<<EOF", "<<'EOF'").format("${F} `x` $(x)")
    for text in (escaped, literal):
        assert pasted(text).body["output"] == {"url": "${F} `x` $(x)"}


def test_a_request_in_a_branch_is_found_as_it_is_written() -> None:
    assert pasted(f"if hot:\n    body = {BODY!r}\n").body == BODY


def test_a_request_that_was_made_of_another_stands_for_both() -> None:
    [found] = read_pasted(f"a = {BODY!r}\na = {{**a, 'evalscript': {SCRIPT!r}}}\npost(json=a)").requests
    assert found == READ


def test_what_is_incomplete_is_passed_over_where_others_are_complete() -> None:
    found = read_pasted(f"def ask(day):\n    post(json={{'input': {{'a': day}}, 'output': {{}}}})\npost(json={BODY!r})")
    assert [each.body for each in found.requests] == [BODY]
    assert found.passed_over == ("line 1: input.a: `day` is an argument of ask(): write the value itself",)


def test_a_script_belongs_to_the_request_behind_it() -> None:
    first, second = (f"//VERSION=3\nfunction setup() {{ return {number} }}\n" for number in (1, 2))
    bodies = ({"input": {"a": number}, "output": {}} for number in (1, 2))
    text = "\n".join(
        f"```js\n{script}```\n```json\n{json.dumps(body)}\n```"
        for script, body in zip((first, second), bodies, strict=True)
    )
    assert [each.evalscript for each in read_pasted(text).requests] == [first, second]


def test_files_beside_the_text_are_read_where_a_command_names_them() -> None:
    files = {
        "request.json": json.dumps(BODY),
        "script.js": SCRIPT,
        "whole.json": json.dumps(BODY | {"evalscript": SCRIPT}),
    }
    for text in (
        "curl u -F 'request=<request.json' -F evalscript=@script.js",
        "curl u -d @whole.json",
        "with open('script.js') as f:\n    s = f.read()\n"
        "with open('request.json') as f:\n    a = json.load(f)\na['evalscript'] = s",
        f"s = Path('script.js').read_text()\npost(json={{**{BODY!r}, 'evalscript': s}})",
        f"S=$(cat script.js)\ncurl u -F 'request={json.dumps(BODY)}' -F \"evalscript=$S\"",
    ):
        [found] = read_pasted(text, files.__getitem__).requests
        assert (found.body, found.evalscript.strip()) == (BODY, SCRIPT.strip())


WRITTEN = [form(*BODIES[name]) for name in ("NDVI in UTM metres", "optical and radar fused") for form in FORMS.values()]


@pytest.mark.slow
@given(data=st.data())
def test_whatever_becomes_of_a_text_the_answer_is_requests_or_a_sentence(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(WRITTEN))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 60)))
        text = text[:start] + data.draw(st.text(max_size=6) | st.sampled_from(sorted("'\"`{}[]()\\\n$#<"))) + text[end:]
    try:
        found = read_pasted(text)
    except UsageError as error:
        assert str(error)
    else:
        json.dumps([each.body for each in found.requests], allow_nan=False)


@pytest.mark.parametrize("west", ["-284000 * width", "-284000['x']", "-284000 - west", "+284000(0)"])
def test_a_minus_before_what_has_to_be_run_ended_in_a_traceback(west: str) -> None:
    text = FORMS["as fetch"](*BODIES["NDVI in UTM metres"])
    assert text.count("284000") == 1
    with pytest.raises(UsageError):
        read_pasted(text.replace("284000", west))


@pytest.mark.parametrize("text", ["and so on\ncurl u -d x \\", 'and so on\ncurl u -d "x\\'])
def test_a_command_that_ends_in_a_backslash_ended_in_a_traceback(text: str) -> None:
    with pytest.raises(UsageError, match="holds no request"):
        read_pasted(text)


def test_python_warned_of_what_was_pasted(recwarn: pytest.WarningsRecorder) -> None:
    cell = {"cell_type": "code", "source": "%a\nx = 1or 2\n"}
    for text in (f"x = 1or 2\nbody = {BODY!r}", json.dumps({"cells": [cell, {**cell, "source": f"b = {BODY!r}"}]})):
        assert pasted(text).body == BODY
    assert [str(each.message) for each in recwarn] == []


LONG = 15_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    [
        "\n", " ", "```\n", "[", "{a:", "1,", "a=b(", "a.", "'", '"', "`", "/*", "//VERSION=3\n", "x = (\n",
        "curl 'x\n", "cat <<A |\n", "A=$(cat <<A\n", "a = `${", "${ ", "{{ ", "a:  ", "with x:\n",
        "a = {**a}\n", "<div id='a'>", "curl u; if x; then\n", "${a", "$((", "case a in\n", "if (a) a.b = 1\n",
        "a = [1]; a.map(b => ",
    ],
)  # fmt: skip
def test_no_text_keeps_it_busy(part: str) -> None:
    long = part * (LONG // len(part))
    for text in (long, f"a = `{long}", f"x\n{long}\n'"):
        with pytest.raises(UsageError):
            read_pasted(text)


def called(text: str, function: CodeType) -> list[dict[str, Any]]:
    """The arguments of each call of a function while a text is read."""
    found: list[dict[str, Any]] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is function:
            found.append(dict(frame.f_locals))

    sys.setprofile(note)
    try:
        read_pasted(text)
    except UsageError:
        pass
    finally:
        sys.setprofile(None)
    return found


def parsed(text: str) -> int:
    """How many characters the reader of a text gives to Python's parser, which takes most of its time."""
    return sum(len(each["source"]) for each in called(text, ast.parse.__code__))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("if a:\n b c d\n" + "elif a:\n b c d\n" * 400, id="a chain of conditions"),
        pytest.param("x = (\n a b\n" * 400 + ")\n" * 400, id="brackets within brackets"),
        pytest.param("x=(\n a b\n" * 400 + ")\n" * 400, id="the same without spaces"),
    ],
)
def test_blocks_that_are_no_python_were_parsed_again_from_each_of_their_lines(text: str) -> None:
    assert parsed(f"Hello there, friends.\n{text}") < 12 * len(text)


@pytest.mark.slow
def test_each_cell_of_a_notebook_was_parsed_once_for_each_line_of_magic() -> None:
    source = "x = [\n" + "1,\n" * 13_000 + "]\n" + "%a\n" * 60
    cell = {"cell_type": "code", "source": source}
    text = json.dumps({"cells": [cell] * 2})
    assert parsed(text) < 2_000_000 + 3 * len(text)


def test_a_variable_of_a_shell_was_forgotten_at_each_of_many_blocks_within_it() -> None:
    assigned = "".join(f"V{number}=1\n" for number in range(200))
    text = "```sh\n" + assigned + "if x; then\n" * 200 + "fi\n" * 200 + "```\n"
    assert len(called(text, Names.bind.__code__)) < 200 * 10


def nested(depth: int, statement: str) -> str:
    blocks = "".join(" " * number + "if x:\n" for number in range(depth))
    return blocks + f"{' ' * depth}{statement}\n" * 20


def test_a_statement_was_searched_for_requests_once_for_each_block_around_it() -> None:
    text = nested(30, f"post(json={BODY!r})")
    assert len(called(text, _see_written.__code__)) <= 20 + 30
    assert pasted(text).body == BODY


def test_what_is_read_again_for_each_block_around_it_was_not_counted() -> None:
    names = Names()
    names.search(MOST_SEARCHED - 1000)
    with pytest.raises(UsageError, match="passes on too many values too often: import its requests in parts"):
        read_python(parse_python(nested(30, "go()")), names)


def test_a_long_list_was_searched_each_time_it_is_passed_on() -> None:
    with pytest.raises(UsageError, match="passes on too many values too often: import its requests in parts"):
        read_pasted("a = [" + "1," * 100_000 + "]\n" + "f(a)\n" * 120)


def test_a_sentence_of_many_words_kept_the_command_behind_it_from_being_read() -> None:
    command = f"curl u -d '{json.dumps(BODY)}'\n"
    assert pasted(f"{'word ' * 1500}\n{command}").body == BODY


def test_a_variable_that_holds_itself_twice_does_not_grow_without_end() -> None:
    doubled = "A=0123456789\n" + 'A="$A$A"\n' * GROWING + 'curl -d \'{"input": {"a": "\'$A\'"}, "output": {}}\'\n'
    with pytest.raises(UsageError, match=r"`\$A` is not known here"):
        read_pasted(doubled)


GROWING = 60


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a = 'x'\n" + "a = a + a\n" * GROWING, id="a text"),
        pytest.param("a = 'x'\n" + "a = f'{a}{a}'\n" * GROWING, id="an f-string"),
        pytest.param("a = [1]\n" + "a = a + a\n" * GROWING, id="a list"),
        pytest.param("a = [1]\n" + "a = [a, a]\n" * GROWING, id="lists of lists"),
        pytest.param("a = [1]\n" + "a = [a]\n" * 5000, id="depth"),
        pytest.param("a = 'x'\n" + "a = a.replace('x', 'xx')\n" * GROWING, id="a replacement"),
        pytest.param("a = 9\n" + "a *= a\n" * GROWING, id="a number"),
        pytest.param("a = [1]\n" + "a.extend(a)\n" * GROWING, id="a list that is extended by itself"),
        pytest.param("a = [1]\n" + "a += a\n" * GROWING, id="a list that is added to itself"),
        pytest.param("a = {}\na['a'] = a", id="a circle"),
        pytest.param(f"a = {'[' * 5000}{']' * 5000}", id="brackets"),
        pytest.param("a = " + "-" * 5000 + "1", id="signs"),
        pytest.param("a = " + "+".join(["1"] * 20000), id="a long sum"),
        pytest.param("a = " + "+".join(["1"] * 990), id="a sum that can just be parsed"),
    ],
)
def test_nothing_grows_without_end(text: str) -> None:
    with pytest.raises(UsageError, match=r"too|cannot be read|is not known here"):
        pasted(f"{text}\nbody = {{'input': {{'a': a}}, 'output': {{}}}}")


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
