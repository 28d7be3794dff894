"""What is code, comment and string in an evalscript, and where its functions are."""

import pytest

from controller.analysis.source import Function, SourceText


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        pytest.param("a = 1; // b", "a = 1;     ", "a = 1;     ", id="a comment at the end of a line"),
        pytest.param(
            "a /* b\nc */ = 1", "a     \n     = 1", "a     \n     = 1", id="a comment of two lines keeps both"
        ),
        pytest.param("a = 'b // c';", "a = '      ';", "a = 'b // c';", id="a comment in a string"),
        pytest.param("a = 'it\\'s';", "a = '     ';", "a = 'it\\'s';", id="a quote in a string"),
        pytest.param(
            "a = `b ${c + `d`} e`;", "a = `  ${c + ` `}  `;", "a = `b ${c + `d`} e`;", id="templates in each other"
        ),
        pytest.param("a = `${{b: 1}.b}`;", "a = `${{b: 1}.b}`;", "a = `${{b: 1}.b}`;", id="braces in a template"),
        pytest.param(
            "a = /[/\"]+'/.test(b)", "a = /       .test(b)", "a = /[/\"]+'/.test(b)", id="a regular expression"
        ),
        pytest.param("a = b / c / 'd'", "a = b / c / ' '", "a = b / c / 'd'", id="a division"),
    ],
)
def test_comments_and_strings_are_blanked(text: str, code: str, words: str) -> None:
    source = SourceText(text)
    assert (source.code.rstrip(), source.words) == (code.rstrip(), words)
    assert len(source.code) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("function find(samples, scenes) { body }", id="a declaration"),
        pytest.param("const find = function (samples, scenes) { body }", id="a function in a variable"),
        pytest.param("const find = (samples, scenes) => { body }", id="an arrow"),
    ],
)
def test_a_function_is_found_however_it_is_written(text: str) -> None:
    start = text.index(" body")
    assert SourceText(text).function("find") == Function(
        parameters=("samples", "scenes"), start=start, end=len(text) - 1
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("find(1);", id="a call"),
        pytest.param("// function find() { }", id="a comment"),
        pytest.param("function find() { } function find() { }", id="one of two"),
        pytest.param("const find = (a) => [a];", id="an arrow without braces"),
    ],
)
def test_no_function_is_made_up(text: str) -> None:
    assert SourceText(text).function("find") is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("const f = s => [s.B04];", ["s", ""], id="an arrow without braces"),
        pytest.param("const f = ({B04, B08}, scenes) => [B04];", ["", "scenes"], id="a pattern has no name"),
        pytest.param("function f(a = 1, ...rest) { }", ["a", ""], id="a default, and a rest"),
        pytest.param("f(a, b);", ["", ""], id="a call"),
    ],
)
def test_the_parameters_of_a_function_have_names(text: str, names: list[str]) -> None:
    assert [SourceText(text).parameter("f", position) for position in range(2)] == names


def test_places_count_from_one() -> None:
    source = SourceText("ab\ncd")
    assert [source.place(offset) for offset in range(5)] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]


def test_only_variables_outside_of_functions_are_global() -> None:
    text = "let a; var b = 1; const c = 2;\nfunction f() { let d; } if (a) { let e; }"
    assert SourceText(text).declared_at_top() == {"a", "b", "c"}
