"""Every fault of the sandbox, twice: what a client suffers as one writes it first, and what shjobs does.

The naive client repeats what fails, takes whatever is not 200 for the end, and looks for its file.
"""

import itertools
import json
import random
import socket
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import requests

from controller.lifecycle.status import PASSING
from controller.model.errors import UsageError
from controller.sandbox.faults.faults import KINDS, Fault, FaultError, Faults, Moment, written_in
from controller.sandbox.options import read_options
from tests.conftest import ACCESS_KEY, CLIENT_SECRET, SECRET_KEY, Workspace
from tests.support.patience import LONGEST

PROCESS = "/api/v1/async/process"
JOB = """\
apiVersion: shjobs/v1
kind: AsyncProcess
metadata:
  name: ours
spec:
  request:
    input:
      bounds: {bbox: [14.40, 35.80, 14.50, 35.90]}
      data:
        - type: sentinel-2-l2a
          dataFilter: {timeRange: {from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}}
    output:
      width: 16
      height: 16
      responses:
        - {identifier: default, format: {type: image/tiff}}
        - {identifier: mask, format: {type: image/tiff}}
      delivery: {s3: {url: "s3://my-bucket/ours", credentialsRef: my-bucket}}
  evalscriptFile: job.js
"""
SCRIPT = """//VERSION=3
function setup() {
  return {input: ["B04", "dataMask"], output: [{id: "default", bands: 1}, {id: "mask", bands: 1}]};
}
function evaluatePixel(sample) {
  return {default: [sample.B04], mask: [sample.dataMask]};
}
"""


def body(url: str, script: str = SCRIPT) -> dict[str, Any]:
    """The same request as the job's."""
    tiff = {"type": "image/tiff"}
    return {
        "input": {
            "bounds": {"bbox": [14.40, 35.80, 14.50, 35.90]},
            "data": [
                {
                    "type": "sentinel-2-l2a",
                    "dataFilter": {"timeRange": {"from": "2022-06-20T00:00:00Z", "to": "2022-06-30T23:59:59Z"}},
                }
            ],
        },
        "output": {
            "width": 16,
            "height": 16,
            "responses": [{"identifier": "default", "format": tiff}, {"identifier": "mask", "format": tiff}],
            "delivery": {"s3": {"url": url, "accessKey": ACCESS_KEY, "secretAccessKey": SECRET_KEY}},
        },
        "evalscript": script,
    }


@dataclass
class Naive:
    """A client as one writes it first. It notes the pauses it would make instead of making them."""

    url: str
    bucket: Path
    pauses: list[float] = field(default_factory=list)
    patience: float = LONGEST  # with the first answer to a POST
    web: requests.Session = field(default_factory=requests.Session)

    def run(self, prefix: str) -> str:
        """What it says in the end: that it is done and at which cost, that it is not, or how it broke down."""
        try:
            self._log_in()
            id = self._submit(prefix)
            if id is None:
                return "gave up"
            while self.web.get(f"{self.url}{PROCESS}/{id}", timeout=LONGEST).status_code == 200:
                time.sleep(0.02)
            folder = self.bucket / prefix / id
            if not (folder / "default.tif").exists():
                return "failed: there is no file"
            copy = json.loads((folder / f"request-{id}.json").read_text())
            return f"done for {copy['costPU']:g} PU"
        except (requests.RequestException, OSError, KeyError, TypeError, ValueError) as error:
            return f"broke down: {type(error).__name__}"

    def _log_in(self) -> None:
        form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": CLIENT_SECRET}
        answer = self.web.post(f"{self.url}/oauth/token", data=form, timeout=LONGEST).json()
        self.web.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def _submit(self, prefix: str) -> str | None:
        """Up to three times: what went wrong once may go well the next time."""
        for patience in (self.patience, LONGEST, LONGEST):
            try:
                answer = self.web.post(self.url + PROCESS, json=body(f"s3://my-bucket/{prefix}"), timeout=patience)
            except requests.RequestException:
                continue
            if answer.status_code == 200:
                return str(answer.json()["id"])
            if answer.status_code == 429:
                assert answer.json()["error"]["message"]
                self.pauses.append(float(answer.headers.get("Retry-After")))  # type: ignore[arg-type]
            elif answer.status_code < 500:
                return None
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault, and how it ends: what the naive client says and is charged for, then the phase of the job and its
    charges. `patience` and `pauses` are those of the naive client, `pauses` in the end."""

    fault: Fault
    naive: str
    naive_charges: int = 1
    phase: str = "Succeeded"
    charges: int = 1
    pauses: tuple[float, ...] = ()
    patience: float
    runs: float
    """Seconds that the naive client's request takes."""
    soon: float
    """Seconds of the fault for shjobs, when those for the naive client are LATE or more."""
    then_runs: float
    """Seconds that the job's request takes."""


DONE = "done for 10 PU"
NO_FILE = "failed: there is no file"
GAVE_UP = "gave up"
RUN = 0.4  # seconds that a request takes
LATE = 5.0  # seconds: longer than a client needs to look, on a busy machine too
SOON = 0.3  # seconds: what is so late is still found with PATIENT
HASTY, PATIENT = 'deliveryGrace = "60s"', 'deliveryGrace = "24h"'  # 0.3 s and 7 minutes at this scale


def struck(
    name: str, naive: str, naive_charges: int = 1, phase: str = "Succeeded", charges: int = 1, **more: Any
) -> Any:
    """A case under the name of its fault; `parameters` are those of the fault."""
    times, pauses, patience = more.pop("times", 1), more.pop("pauses", ()), more.pop("patience", LONGEST)
    runs = more.pop("runs", LATE if naive == NO_FILE else RUN)  # it looks before the request has ended
    soon, then_runs = more.pop("soon", SOON), more.pop("then_runs", RUN)
    case = Case(
        fault=Fault(name=name, times=times, parameters=more),
        naive=naive,
        naive_charges=naive_charges,
        phase=phase,
        charges=charges,
        pauses=pauses,
        patience=patience,
        runs=runs,
        soon=soon,
        then_runs=then_runs,
    )
    return pytest.param(case, id=name)


CASES = [
    # Before anything is taken: only the one who knows that may repeat it; shjobs waits for a person.
    struck("reset-before-read", DONE, 1, "Unconfirmed", 0),
    struck("reset-while-read", DONE, 1, "Unconfirmed", 0, bytes=20),
    struck("refuse-502-before", DONE, 1, "Unconfirmed", 0),
    struck("error-500-before", DONE, 1, "Unconfirmed", 0),
    # Milliseconds taken for seconds, errors in another shape, refusals that pass.
    struck("rate-429", DONE, milliseconds=3398, pauses=(3398,)),
    struck("rate-429-bare", "broke down: KeyError", 0),
    struck("concurrency-429", "broke down: TypeError", 0),
    struck("spurious-400", GAVE_UP, 0),
    struck("unauthorized-401", GAVE_UP, 0, "Pending", 0),  # the next sync asks again
    struck("forbidden-403", GAVE_UP, 0, "Pending", 0),
    struck("quota-403", GAVE_UP, 0, "Pending", 0),
    # Taken, and the answer does not arrive or cannot be read: repeating it pays twice.
    struck("answer-lost", DONE, 2),
    struck("reset-answer", DONE, 2, bytes=10),
    struck("corrupt-tls", DONE, 2),
    struck("malformed-answer", "broke down: JSONDecodeError"),
    struck("slow-answer", DONE, 2, seconds=LONGEST, patience=LATE, soon=LATE),
    struck("refuse-502-after", DONE, 2),
    struck("timeout-504-after", DONE, 2),
    struck("drip-answer", DONE, seconds=0.01),
    # Anything that is not 200 is taken for the end.
    struck("status-500", NO_FILE),
    struck("status-502", NO_FILE),
    struck("status-401", NO_FILE),
    struck("status-429", NO_FILE, milliseconds=300),
    struck("status-lost", "broke down: ConnectionError"),
    struck("early-404", NO_FILE, seconds=LATE),
    struck("flapping-404", NO_FILE),
    struck("lingering-200", DONE, seconds=0.3),
    # Tokens.
    struck("token-503", "broke down: JSONDecodeError", 0),
    struck("token-500-bare", "broke down: KeyError", 0),
    struck("token-429", "broke down: KeyError", 0),
    struck("token-dies-early", NO_FILE, seconds=LATE, runs=2 * LATE, soon=LATE, then_runs=2 * LATE),
    # What the bucket gets.
    struck("never-deliver", NO_FILE, 1, "Unknown"),
    struck("partial-delivery", DONE, 1, "Unknown"),
    struck("zero-byte", DONE, 1, "Unknown"),
    struck("late-delivery", NO_FILE, seconds=LATE),
    struck("foreign-object", DONE),
    struck("bucket-refuses", NO_FILE, 0, "Unknown", 0),
    struck("bucket-fills", "broke down: KeyError", 0, "Unknown", 0),
    struck("run-fails", NO_FILE, 0, "Failed", 0),
    struck("error-json-late", NO_FILE, 0, "Failed", 0, seconds=LATE),
    struck("error-json-malformed", NO_FILE, 0, "Failed", 0),
    struck("error-with-outputs", "broke down: KeyError", 0, "Failed", 0),
    struck("copy-never", "broke down: FileNotFoundError"),
    struck("copy-late", "broke down: FileNotFoundError", seconds=LATE),
    struck("copy-in-root", "broke down: FileNotFoundError"),
]


@pytest.fixture
def slow(workspace: Workspace) -> Workspace:
    """A request takes its time, so that there is something to ask about."""
    object.__setattr__(workspace.sandbox.options, "run_seconds", RUN)
    object.__setattr__(workspace.sandbox.options, "max_running", 50)
    workspace.write("job.yaml", JOB)
    workspace.write("job.js", SCRIPT)
    return workspace


def charges(workspace: Workspace) -> Counter[str]:
    """How often was paid, by the first part of the delivery prefix."""
    charged = [entry for entry in workspace.sandbox.ledger.entries() if entry.event == "charged"]
    return Counter(entry.prefix.split("/")[3] for entry in charged)


def at_rest(workspace: Workspace) -> None:
    """Wait until nothing runs any more, and what is late has come."""
    deadline = time.monotonic() + LONGEST
    while workspace.sandbox.ledger.entries() and open_requests(workspace) and time.monotonic() < deadline:
        time.sleep(0.02)


def open_requests(workspace: Workspace) -> set[str]:
    entries = workspace.sandbox.ledger.entries()
    ended = {entry.id for entry in entries if entry.event in ("delivered", "failed")}
    return {entry.id for entry in entries if entry.event == "accepted"} - ended


def synced(workspace: Workspace) -> dict[str, Any]:
    """The status of the job once it does not change by itself: a `sync` that was kept waiting ends before that."""
    deadline = time.monotonic() + LONGEST
    while (status := workspace.sync()["ours"])["reason"] in PASSING and time.monotonic() < deadline:
        pass
    return status


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_what_a_naive_client_suffers_and_what_shjobs_does(slow: Workspace, case: Case) -> None:
    client = Naive(url=slow.sandbox.base_url, bucket=slow.bucket, patience=case.patience)
    slow.sandbox.faults.add(case.fault)
    object.__setattr__(slow.sandbox.options, "run_seconds", case.runs)
    said = client.run("naive")
    at_rest(slow)
    assert (said, charges(slow)["naive"]) == (case.naive, case.naive_charges)
    assert tuple(client.pauses) == case.pauses

    slow.sandbox.faults.clear()
    if case.fault.parameters.get("seconds", 0) >= LATE:
        slow.sandbox.faults.add(replace(case.fault, parameters={"seconds": case.soon}))
        path = slow.root / "shjobs.toml"
        text = path.read_text()
        assert HASTY in text
        path.write_text(text.replace(HASTY, PATIENT))
    else:
        is_asked_again = case.phase == "Pending"  # by the next sync, or by this one on a slow machine
        slow.sandbox.faults.add(replace(case.fault, times=-1) if is_asked_again else case.fault)
    object.__setattr__(slow.sandbox.options, "run_seconds", case.then_runs)
    status = synced(slow)
    at_rest(slow)
    assert (status["phase"], charges(slow)["ours"]) == (case.phase, case.charges), status
    strikes = [entry.message for entry in slow.sandbox.ledger.entries() if entry.event == "fault"]
    assert set(strikes) == {case.fault.name} and len(strikes) >= 2


def test_every_fault_of_the_table_is_a_case() -> None:
    tried = {case.values[0].fault.name for case in CASES} | {"duplicate-answer"}
    assert tried == set(KINDS)


def next_answer(answers: BinaryIO) -> dict[str, Any]:
    """The next answer on a connection.

    One reader for all of them: `http.client` has one for each answer, and a copy that it has read ahead is lost.
    """
    headers = itertools.takewhile(bytes.strip, iter(answers.readline, b""))
    lengths = [int(line.partition(b":")[2]) for line in headers if line.lower().startswith(b"content-length:")]
    found: dict[str, Any] = json.loads(answers.read(lengths[0]))
    return found


@pytest.mark.slow
def test_a_duplicate_answer_is_the_answer_to_the_next_question_on_that_connection(slow: Workspace) -> None:
    """The naive client keeps a connection and hears the first request's id twice: the second one is lost to it."""
    slow.sandbox.faults.add(Fault(name="duplicate-answer"))
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": CLIENT_SECRET}
    token = requests.post(f"{slow.sandbox.base_url}/oauth/token", data=form, timeout=LONGEST).json()["access_token"]
    host, _, port = slow.sandbox.base_url.removeprefix("http://").partition(":")
    heard = []
    with socket.create_connection((host, int(port)), timeout=LONGEST) as line, line.makefile("rb") as answers:
        for number in range(2):
            content = json.dumps(body(f"s3://my-bucket/naive/{number}"))
            head = f"POST {PROCESS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
            line.sendall(f"{head}{content}".encode())
            heard.append(next_answer(answers)["id"])
    at_rest(slow)
    assert heard[0] == heard[1]
    assert charges(slow)["naive"] == 2

    slow.sandbox.faults.add(Fault(name="duplicate-answer"))
    assert slow.sync()["ours"]["phase"] == "Succeeded"
    assert charges(slow)["ours"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_an_answer_that_breaks_off_at_any_byte_is_found_again_and_not_paid_twice(slow: Workspace, number: int) -> None:
    place = random.randrange(200)
    slow.sandbox.faults.add(Fault(name="reset-answer", parameters={"bytes": place}))
    assert slow.sync()["ours"]["phase"] == "Succeeded", place
    assert charges(slow)["ours"] == 1, place


# How faults are switched on


def claims(board: Faults, times: int, moment: Moment = Moment.BEFORE) -> list[bool]:
    return [board.claim(moment) is not None for _ in range(times)]


def test_a_fault_may_let_the_first_calls_pass() -> None:
    board = Faults([Fault(name="quota-403", after=2, times=2)])
    assert claims(board, 6) == [False, False, True, True, False, False]


def test_a_rate_strikes_so_often_and_the_same_seed_does_so_again() -> None:
    first, second, other = (
        claims(Faults([Fault(name="quota-403", rate=0.2, times=-1)], seed=seed), 2000) for seed in (7, 7, 8)
    )
    assert 300 < sum(first) < 500
    assert first == second != other


@pytest.mark.slow
def test_a_rate_of_lost_answers_costs_the_naive_client_and_nobody_else(slow: Workspace) -> None:
    slow.sandbox.faults.add(Fault(name="answer-lost", rate=0.4, times=-1))
    client = Naive(url=slow.sandbox.base_url, bucket=slow.bucket)
    heard = [client.run(f"naive/{number}") for number in range(8)]
    at_rest(slow)
    assert charges(slow)["naive"] > heard.count(DONE) > 0
    slow.sandbox.faults.clear()
    slow.sandbox.faults.add(Fault(name="answer-lost", rate=0.999, times=-1))
    assert slow.sync()["ours"]["phase"] == "Succeeded"
    assert charges(slow)["ours"] == 1


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param(SCRIPT, (), id="no comment, no fault"),
        pytest.param("// sandbox: answer-lost", (Fault(name="answer-lost"),), id="a name"),
        pytest.param(
            "//VERSION=3\n  //sandbox: late-delivery seconds=2.5 times=-1\n// sandbox: status-500 after=2",
            (Fault(name="late-delivery", times=-1, parameters={"seconds": 2.5}), Fault(name="status-500", after=2)),
            id="several, with parameters",
        ),
        pytest.param("let a = '// sandbox: answer-lost'", (), id="only at the beginning of a line"),
    ],
)
def test_a_script_may_ask_for_faults(script: str, expected: tuple[Fault, ...]) -> None:
    assert written_in(script) == expected


def test_a_script_of_a_million_empty_lines_is_looked_through_once() -> None:
    """Its faults were searched from each empty line again, to the end."""
    assert written_in("//VERSION=3" + "\n" * 1_000_000 + "x") == ()
    assert written_in("//" + " " * 1_000_000 + "x") == ()


def test_the_script_of_an_unknown_client_is_not_searched(slow: Workspace) -> None:
    refused = body("s3://my-bucket/ours", "// sandbox: gremlins")
    assert requests.post(slow.sandbox.base_url + PROCESS, json=refused, timeout=LONGEST).status_code == 401


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("// sandbox: gremlins", "choose one of answer-lost", id="an unknown name"),
        pytest.param("// sandbox: rate-429 soon", "'soon' is not name=number", id="no number"),
        pytest.param("// sandbox: token-503", "strikes before a script is known", id="what is over by then"),
        pytest.param("// sandbox: late-delivery seconds=inf", "number from 0 to 1000", id="a time without end"),
        pytest.param("// sandbox: slow-answer seconds=nan", "number from 0 to 1000", id="a time that is no number"),
        pytest.param("// sandbox: slow-answer seconds=1e10", "number from 0 to 1000", id="hundreds of years"),
    ],
)
def test_faults_a_script_cannot_ask_for(script: str, words: str) -> None:
    with pytest.raises(FaultError, match=words):
        written_in(script)


@pytest.mark.slow
def test_a_fault_in_a_script_strikes_its_own_request_alone(slow: Workspace) -> None:
    slow.write("job.js", SCRIPT.replace("function setup", "// sandbox: never-deliver\nfunction setup"))
    client = Naive(url=slow.sandbox.base_url, bucket=slow.bucket)
    assert client.run("naive") == DONE
    assert slow.sync()["ours"]["phase"] == "Unknown"


def test_a_script_that_asks_for_an_unknown_fault_is_refused_in_words(slow: Workspace) -> None:
    slow.write("job.js", SCRIPT.replace("function setup", "// sandbox: gremlins\nfunction setup"))
    status = slow.sync()["ours"]
    assert (status["phase"], status["reason"]) == ("Failed", "Refused")
    assert "there is no fault 'gremlins'" in status["message"]


def test_several_faults_are_switched_on_as_a_list_or_not_at_all(slow: Workspace) -> None:
    url = f"{slow.sandbox.base_url}/sandbox/faults"
    good: list[dict[str, object]] = [{"name": "status-500", "after": 3}, {"name": "answer-lost", "rate": 0.5}]
    assert requests.post(url, json=[*good, {"name": "gremlins"}], timeout=LONGEST).status_code == 400
    assert slow.sandbox.faults.shown() == []
    assert requests.post(url, json=good, timeout=LONGEST).status_code == 200
    assert [fault.name for fault in slow.sandbox.faults.shown()] == ["status-500", "answer-lost"]


def test_a_fault_without_end_is_switched_on_neither_by_a_call_nor_in_the_options(slow: Workspace) -> None:
    """It ended each worker, so that every later request was RUNNING for ever."""
    url, endless = f"{slow.sandbox.base_url}/sandbox/faults", '{"name": "late-delivery", "parameters": {"seconds": %s}}'
    for seconds in ("1e999", "1e10"):
        headers = {"Content-Type": "application/json"}
        assert requests.post(url, data=endless % seconds, headers=headers, timeout=LONGEST).status_code == 400
    assert slow.sandbox.faults.shown() == []
    (slow.root / "sandbox.toml").write_text('faults = [{name = "late-delivery", parameters = {seconds = inf}}]')
    with pytest.raises(UsageError, match="number from 0 to"):
        read_options(slow.root / "sandbox.toml", {"folder": slow.root})
