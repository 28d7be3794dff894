"""What a hostile or broken script can do: nothing but fail in a way that is told, and the next one runs."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest

import controller
from controller.evalscript.blocks import PixelBlock, Planes, Samples
from controller.evalscript.cache import close_shared, facts, rehearsal
from controller.evalscript.engine import Engine
from controller.evalscript.frames import FailureName
from controller.evalscript.process import PROGRAM
from controller.model.script import FailureKind, Rehearsal, ScriptFacts, ScriptFailure, Stage
from tests.support.patience import LONGEST
from tests.support.scripts import accepted, appraised, reported

pytestmark = pytest.mark.slow

BEGIN = "//VERSION=3\nfunction setup() { return {input: ['B04'], output: {bands: 1}}; }\n"
GOOD = BEGIN + "function evaluatePixel(s) { return [1]; }"
ENDLESS = BEGIN + "function evaluatePixel() { for (;;); }"
ONE_PIXEL = PixelBlock(pixels=1, sources=(Samples(bands=("B04",), values=bytes(4)),))


ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(controller.__file__).parent.parent), *sys.path])}


@pytest.fixture
def hasty(engine: Engine) -> Iterator[Engine]:
    """The engine, running, with little time for a script."""
    assert works(engine)
    seconds, engine.seconds = engine.seconds, 0.3
    yield engine
    engine.seconds = seconds


def failure(engine: Engine, text: str) -> ScriptFailure:
    """Of the one pixel that is evaluated. On a busy machine the time may run out while the script is loaded."""
    ends_at = time.monotonic() + LONGEST
    while is_timeout(loaded := engine.load(text)) and time.monotonic() < ends_at:
        pass
    assert isinstance(loaded, ScriptFacts), loaded
    answer = engine.evaluate(ONE_PIXEL)
    assert isinstance(answer, ScriptFailure), answer
    return answer


def is_timeout(answer: object) -> bool:
    return isinstance(answer, ScriptFailure) and answer.kind is FailureKind.TIMEOUT


def works(engine: Engine) -> bool:
    return isinstance(engine.load(GOOD), ScriptFacts) and engine.evaluate(ONE_PIXEL) == Planes(
        outputs={"default": b"\xff"}
    )


def status(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def has_ended(pid: int) -> bool:
    """Gone, or a zombie that its new parent has not collected yet."""
    return status(pid)[:1] in ([], ["Z"])


def ticks(pid: int) -> int:
    """The processor time it has used, in hundredths of a second."""
    return sum(map(int, status(pid)[11:13]))


def once_it_computes(engine: Engine, act: Callable[[int], object]) -> threading.Thread:
    """A thread that acts, given the child's pid, once the child is busy with what it is asked next."""
    pid = engine.pid
    assert pid is not None
    enough = ticks(pid) + 20

    def watch() -> None:
        ends_at = time.monotonic() + LONGEST
        while not has_ended(pid) and time.monotonic() < ends_at:
            if ticks(pid) >= enough:
                act(pid)
                return
            time.sleep(0.01)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    return watching


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("for (;;);", id="an endless loop"),
        pytest.param("/(a+)+$/.test('a'.repeat(60) + 'b')", id="a regular expression that never ends"),
        pytest.param("Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)", id="waiting for nobody"),
        pytest.param("try { for (;;); } finally { for (;;); }", id="a loop that tries to go on"),
    ],
)
def test_time_runs_out_for(hasty: Engine, body: str) -> None:
    reported = failure(hasty, BEGIN + f"function evaluatePixel() {{ {body} }}")
    assert reported == ScriptFailure(kind=FailureKind.TIMEOUT, message="The script ran longer than 0.3 s")
    hasty.seconds = LONGEST
    assert works(hasty)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("for (;;) kept.push(new Float64Array(1e7).fill(1));", id="typed arrays"),
        pytest.param("for (;;) kept.push({a: 1, b: [1, 2]});", id="many small objects"),
        pytest.param("for (;;) kept.push(new Array(1e6).fill(0));", id="large arrays"),
        pytest.param("for (;;) { kept.push('x'.repeat(1e7) + kept.length); /y/.test(kept.at(-1)); }", id="strings"),
    ],
)
def test_memory_runs_out_for(engine: Engine, body: str) -> None:
    reported = failure(engine, BEGIN + f"var kept = [];\nfunction evaluatePixel() {{ {body} }}")
    assert reported.kind is FailureKind.MEMORY
    assert reported.message.startswith("The script needs more memory than it may have")
    assert works(engine)


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("for (;;);", id="at the top level"),
        pytest.param("function setup() { for (;;); }\nfunction evaluatePixel() {}", id="in setup"),
    ],
)
def test_an_endless_script_cannot_be_loaded(hasty: Engine, program: str) -> None:
    reported = hasty.load(f"//VERSION=3\n{program}")
    assert isinstance(reported, ScriptFailure) and reported.kind is FailureKind.TIMEOUT


def test_endless_recursion_is_an_exception_of_the_script(engine: Engine) -> None:
    reported = failure(engine, BEGIN + "function evaluatePixel() {\n  return evaluatePixel() + 1;\n}")
    assert (reported.kind, reported.line) == (FailureKind.RUNTIME, 4)
    assert reported.message == "Failed to evaluate script! RangeError: Maximum call stack size exceeded"
    assert works(engine)


def test_after_time_has_run_out_the_script_must_be_loaded_again(hasty: Engine) -> None:
    failure(hasty, ENDLESS)
    reported = hasty.evaluate(ONE_PIXEL)
    assert isinstance(reported, ScriptFailure) and reported.kind is FailureKind.CRASH


def test_the_start_of_the_engine_is_not_the_scripts_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.evalscript.process.PROGRAM", f"import time\ntime.sleep(3)\n{PROGRAM}")
    with Engine(seconds=0.5) as engine:
        ends_at, first = time.monotonic() + LONGEST, engine.load(GOOD)
        pid = engine.pid
        while is_timeout(first) and time.monotonic() < ends_at:
            first = engine.load(GOOD)
        assert isinstance(first, ScriptFacts)
        assert engine.pid == pid is not None, "no engine was killed while it started"


@pytest.mark.parametrize(
    ("program", "start", "words"),
    [
        pytest.param("import time\ntime.sleep(60)", 0.2, "did not start within 0.2 s", id="it takes too long"),
        pytest.param(
            "raise MemoryError", LONGEST, "did not start with the memory that it may have", id="it has no memory"
        ),
    ],
)
def test_an_engine_that_does_not_start_is_no_fault_of_the_script(
    monkeypatch: pytest.MonkeyPatch, program: str, start: float, words: str
) -> None:
    monkeypatch.setattr("controller.evalscript.process.PROGRAM", program)
    monkeypatch.setattr("controller.evalscript.process.START", start)
    with Engine(seconds=0.5) as engine:
        found = engine.load(GOOD)
    assert isinstance(found, ScriptFailure)
    assert (found.kind, found.message) == (FailureKind.CRASH, f"The script engine {words}")


def test_a_child_killed_at_work_is_an_outcome(engine: Engine) -> None:
    assert isinstance(engine.load(ENDLESS), ScriptFacts)
    killer = once_it_computes(engine, lambda pid: os.kill(pid, signal.SIGKILL))
    reported = engine.evaluate(ONE_PIXEL)
    killer.join()
    assert reported == ScriptFailure(kind=FailureKind.CRASH, message="The script engine died (SIGKILL)")
    assert works(engine)


def test_a_child_killed_between_two_calls_is_an_outcome(engine: Engine) -> None:
    assert works(engine)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    reported = engine.evaluate(ONE_PIXEL)
    assert isinstance(reported, ScriptFailure) and reported.kind is FailureKind.CRASH
    assert works(engine)


def test_an_interrupted_call_leaves_no_half_frame_behind(engine: Engine) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    assert isinstance(engine.load(ENDLESS), ScriptFacts)
    caller = threading.get_ident()
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        interrupter = once_it_computes(engine, lambda _pid: signal.pthread_kill(caller, signal.SIGALRM))
        with pytest.raises(KeyboardInterrupt):
            engine.evaluate(ONE_PIXEL)
        interrupter.join()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert engine.pid is None
    assert works(engine)


def test_ctrl_c_in_the_terminal_is_not_for_the_child(engine: Engine) -> None:
    assert works(engine)
    assert engine.pid is not None and os.getsid(engine.pid) == engine.pid


def test_the_child_inherits_no_secret_and_limits_its_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHJOBS_CLIENT_SECRET", "canary")
    with Engine(seconds=20) as engine:
        assert works(engine)
        process = Path(f"/proc/{engine.pid}")
        variables = dict(item.split("=", 1) for item in (process / "environ").read_text().split("\0") if item)
        limits = (process / "limits").read_text()
    assert variables.keys() <= {"PATH", "LANG", "TZ", "PYTHONPATH", "LD_LIBRARY_PATH"}
    assert "canary" not in str(variables)
    assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max data size")] == [
        [str(1 << 30)] * 2
    ]


def test_the_child_can_open_no_file_and_no_socket_once_it_runs_scripts() -> None:
    with Engine(seconds=20) as engine:
        assert works(engine)
        process = Path(f"/proc/{engine.pid}")
        limits = {line[:25].strip(): line[26:].split()[0] for line in (process / "limits").read_text().splitlines()}
        taken = sorted(int(path.name) for path in (process / "fd").iterdir())
    assert limits["Max open files"] == str(len(taken))
    assert taken == list(range(len(taken)))
    assert limits["Max file size"] == "0"


def test_noise_on_standard_error_disturbs_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = "import sys\nsys.stderr.write('noise ' * 5000)\n"
    (tmp_path / "py_mini_racer.py").write_text(
        f"{noise}sys.path.remove({str(tmp_path)!r})\ndel sys.modules[__name__]\nimport py_mini_racer\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with Engine(seconds=20) as engine:
        assert works(engine)


def test_a_child_that_cannot_start_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "py_mini_racer.py").write_text("import os\nos.write(2, b'no such library')\nos._exit(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with Engine(seconds=20) as engine:
        assert engine.load(GOOD) == ScriptFailure(
            kind=FailureKind.CRASH, message="The script engine died (exit code 3): no such library"
        )


PARENT = """
from controller.evalscript.blocks import PixelBlock, Samples
from controller.evalscript.engine import Engine
engine = Engine()
engine.load({script!r})
print(engine.pid, flush=True)
engine.evaluate(PixelBlock(pixels=1, sources=(Samples(bands=("B04",), values=bytes(4)),)))
"""


def test_the_child_ends_with_its_parent_even_in_the_middle_of_a_script() -> None:
    command = [sys.executable, "-c", PARENT.format(script=ENDLESS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.1)
        parent.kill()
    deadline = time.monotonic() + LONGEST
    while not has_ended(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_close_ends_the_child() -> None:
    engine = Engine(seconds=20)
    assert works(engine)
    child = engine.pid
    assert child is not None
    engine.close()
    assert engine.pid is None and has_ended(child)


REACHABLE = (
    "require process fetch XMLHttpRequest WebSocket importScripts load read print quit os std Deno Java setTimeout"
)


@pytest.mark.parametrize("name", REACHABLE.split())
def test_a_script_cannot_reach(engine: Engine, name: str) -> None:
    reported = failure(engine, BEGIN + f"function evaluatePixel() {{ throw typeof {name}; }}")
    assert reported.message == "Failed to evaluate script! undefined"


# What the language brings (ECMA-262 and its annexes, V8's own spellings included); nothing of it reaches outside.
LANGUAGE = """
Infinity NaN undefined globalThis eval isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent encodeURI
encodeURIComponent escape unescape Object Function Array Number Boolean String Symbol Date Promise RegExp Error
AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError ArrayBuffer
SharedArrayBuffer Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float16Array Float32Array
Float64Array Uint8ClampedArray BigUint64Array BigInt64Array DataView Map BigInt Set WeakMap WeakSet WeakRef Proxy
Reflect FinalizationRegistry Iterator JSON Math Intl Atomics WebAssembly DisposableStack AsyncDisposableStack Temporal
"""
DOCUMENTED = """
JAVA_DOUBLE_MAX_VAL SampleType Mosaicking blueRed redTemperature greenWhite oceanColor index inverse int2rgb rgb2int
normalizeRGB combine valueMap valueInterpolate colorBlend colorMap decodeL8C2Qa decodeLs8Qa decodeS3OLCIQualityFlags
ColorMapVisualizer ColorGradientVisualizer ColorRampVisualizer HighlightCompressVisualizer
HighlightCompressVisualizerSingle DefaultVisualizer Identity console setup evaluatePixel
"""


def test_a_script_finds_the_language_the_documented_names_and_nothing_else(engine: Engine) -> None:
    """The engine's timers are there by name only, and undefined."""
    names = "Object.getOwnPropertyNames(globalThis).filter((name) => globalThis[name] !== undefined)"
    reported = f"function evaluatePixel(s, scenes, input, custom, output) {{ output.userData = {names}; }}"
    assert isinstance(engine.load(BEGIN + reported), ScriptFacts)
    assert isinstance(engine.evaluate(ONE_PIXEL), Planes)
    found = engine.finish()
    assert isinstance(found, list)
    assert set(found) - set(LANGUAGE.split()) == set(DOCUMENTED.split())


def test_a_script_cannot_import_a_file(engine: Engine) -> None:
    body = (
        "var seen = 'waiting';\nimport('/etc/hostname').then(() => { seen = 'read'; }, () => { seen = 'refused'; });\n"
        "function evaluatePixel() { throw seen; }"
    )
    reported = failure(engine, BEGIN + body)
    assert reported.message == "Failed to evaluate script! refused"


def test_facts_are_remembered() -> None:
    first = facts(GOOD)
    assert isinstance(first, ScriptFacts)
    assert facts(GOOD) is first
    close_shared()
    assert facts(GOOD) is first


def test_facts_of_a_broken_script_are_a_failure_and_the_next_script_is_read() -> None:
    reported = facts("//VERSION=3\nfor (;;);", seconds=0.3)
    assert isinstance(reported, ScriptFailure) and reported.kind is FailureKind.TIMEOUT
    assert isinstance(facts(GOOD + "// next"), ScriptFacts)


def test_many_threads_may_ask_for_facts_at_once() -> None:
    scripts = [GOOD.replace("B04", f"B{number:02}") for number in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(facts, scripts))
    assert [answer.inputs[0].bands for answer in answers if isinstance(answer, ScriptFacts)] == [
        (f"B{number:02}",) for number in range(1, 9)
    ]


def test_asking_for_facts_loads_no_engine_into_this_process() -> None:
    program = (
        "import sys, controller.evalscript.cache as e; e.facts('//VERSION=3');"
        " assert not {'py_mini_racer', 'numpy', 'asyncio'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=ENVIRONMENT)


def test_the_child_of_the_engine_loads_neither_the_model_nor_ssl() -> None:
    """It is started even for a single script."""
    program = PROGRAM.replace(
        "main(sys.argv[1:])",
        "assert not {'controller.model', 'controller.evalscript.engine', '_ssl'} & sys.modules.keys(), sys.modules",
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=ENVIRONMENT)


def test_the_child_names_failures_as_the_model_does() -> None:
    assert set(get_args(FailureName)) == {kind.value for kind in FailureKind}


class Hurried:
    """The shared engine with little patience."""

    def facts(self, text: str) -> ScriptFacts | ScriptFailure:
        return facts(text, seconds=0.5)

    def rehearsal(self, text: str, stage: Stage) -> Rehearsal | ScriptFailure:
        return rehearsal(text, stage, seconds=0.5)


def hurried(text: str) -> list[str]:
    return reported(appraised(accepted(text), scripts=Hurried()).problems)


MOVING = BEGIN.replace("}; }", ", mosaicking: 'ORBIT'}; }")
PIXEL = "function evaluatePixel() { return [1]; }\n"
TIME = "the script cannot even do a few synthetic pixels: The script ran longer than 0.5 s"


def pixel(body: str) -> str:
    return BEGIN + f"function evaluatePixel() {{ {body} return [1]; }}"


GREEDY = {
    "an endless loop at the top level": (
        BEGIN + PIXEL + "for (;;);",
        "1:1 E300 the evalscript cannot be used (timeout): The script ran longer than 0.5 s",
    ),
    "an endless loop in setup": (
        "//VERSION=3\nfunction setup() { for (;;); }\n" + PIXEL,
        "1:1 E300 the evalscript cannot be used (timeout): The script ran longer than 0.5 s",
    ),
    "an endless loop in preProcessScenes": (
        MOVING + PIXEL + "function preProcessScenes() { for (;;); }",
        f"3:1 E304 {TIME}",
    ),
    "an endless loop in updateOutput": (MOVING + PIXEL + "function updateOutput() { for (;;); }", f"3:1 E304 {TIME}"),
    "an endless loop in evaluatePixel": (pixel("for (;;);"), f"3:1 E304 {TIME}"),
    "an endless loop in updateOutputMetadata": (
        BEGIN + PIXEL + "function updateOutputMetadata() { for (;;); }",
        f"3:1 E304 {TIME}",
    ),
    "an endless loop in a function that is called too early": (
        BEGIN + PIXEL + "function filterScenes() { for (;;); }\nfilterScenes();",
        "1:1 E300 the evalscript cannot be used (timeout): The script ran longer than 0.5 s",
    ),
    "a regular expression that never ends": (pixel("/(a+)+$/.test('a'.repeat(60) + 'b');"), f"3:1 E304 {TIME}"),
    "promises without an end": (
        pixel("const again = () => Promise.resolve().then(again); again();"),
        f"3:1 E304 {TIME}",
    ),
    "promises without an end at the top level": (
        BEGIN + PIXEL + "const again = () => Promise.resolve().then(again); again();",
        "1:1 E300 the evalscript cannot be used (timeout): The script ran longer than 0.5 s",
    ),
    "an answer of four thousand million values": (
        BEGIN + "function evaluatePixel() { return new Array(4e9); }",
        '3:1 E302 Output "default" needs an array of 1 number (`bands` in setup), but evaluatePixel returned '
        "4000000000 (every pixel that was tried)",
    ),
    "more bands than there is memory": (
        "//VERSION=3\nfunction setup() { return {input: ['B04'], output: {bands: 1e12}}; }\n"
        "function evaluatePixel() { return [1]; }",
        None,
    ),
}


@pytest.mark.parametrize(("text", "expected"), GREEDY.values(), ids=GREEDY)
def test_an_appraisal_tells_what_a_script_uses_up_and_lives_on(text: str, expected: str | None) -> None:
    found = hurried(text)
    ends_at = time.monotonic() + LONGEST
    while expected and found != [expected] and "ran longer than" in str(found) and time.monotonic() < ends_at:
        found = hurried(text)  # a busy machine took the time, even that for loading the script
    assert expected is None or found == [expected]
    assert appraised(accepted(GOOD)).problems == ()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("for (;;) kept.push(new Float64Array(1e7).fill(1));", id="typed arrays"),
        pytest.param("for (;;) kept.push({a: 1, b: [1, 2]});", id="many small objects"),
        pytest.param("for (let s = 'x';;) { s += s; /y/.test(s); }", id="a string that doubles"),
        pytest.param("throw new Error('x'.repeat(5e8));", id="an enormous message"),
    ],
)
def test_a_memory_bomb_is_an_error_of_the_appraisal_and_the_next_script_is_checked(body: str) -> None:
    (problem,) = appraised(accepted(f"{BEGIN}const kept = [];\nfunction evaluatePixel() {{ {body} }}")).problems
    assert problem.code in ("E301", "E304")  # the engine may refuse a single allocation, or give up altogether
    assert problem.path == "script.js" and problem.line == 4
    assert appraised(accepted(GOOD)).problems == ()
