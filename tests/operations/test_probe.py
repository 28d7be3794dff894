"""What a probe's run says about the open questions, beside what we assume."""

import json
from typing import Any

import pytest

from controller.model.answers import GetAnswer, NoAnswer, NotVisible, StillRunning
from controller.operations.doctor.probe import Observation, Watched, delays, observations
from tests.support.factories import REQUEST_BODY, REQUEST_ID, listing, stored

RUNNING, GONE = StillRunning(), NotVisible()
FILES = ("default.tif", "small.png", "photo.jpg", "userdata.json")


def watched(*statuses: tuple[float, GetAnswer], at: float = 5.0, **documents: object) -> Watched:
    """A run that was listed twice: at first nothing, and at the end all outputs with these documents beside them."""
    objects = [stored(name) for name in FILES] + [stored(name.replace("__", "."), folder="") for name in documents]
    texts = {name.replace("__", "."): json.dumps(value) for name, value in documents.items()}
    return Watched(
        request_id=REQUEST_ID,
        statuses=list(statuses),
        listings=[(0.0, listing()), (at, listing(*objects, documents=texts))],
    )


def seen(found: Watched, question: str) -> tuple[Any, bool | None]:
    [each] = [each for each in observations(found) if each.question == question]
    return each.found, each.agrees


@pytest.mark.parametrize(
    ("question", "run", "found", "agrees"),
    [
        pytest.param("A1", watched(), [], None, id="no copy was seen"),
        pytest.param("A1", watched(manifest__json=REQUEST_BODY), ["manifest.json"], False, id="another name"),
        pytest.param("A2", watched(request__json={**REQUEST_BODY, "costPU": 3}), ["costPU"], True, id="the cost"),
        pytest.param("A2", watched(request__json={**REQUEST_BODY, "price": {"pu": 3}}), ["pu"], False, id="another"),
        pytest.param("A2", watched(request__json=REQUEST_BODY), [], None, id="no cost"),
        pytest.param("B13", watched((0.0, GONE), (2.0, RUNNING), (9.0, GONE)), [0.0], True, id="an early 404"),
        pytest.param("B13", watched((31.0, GONE), (40.0, RUNNING)), [31.0], False, id="one that we would believe"),
        pytest.param("B13", watched((0.0, GONE)), [], None, id="never seen running"),
        pytest.param("B16", watched((0.0, StillRunning(status="QUEUED"))), ["QUEUED"], False, id="another word"),
        pytest.param("B16", watched((0.0, NoAnswer(message="503"))), [], None, id="no answer"),
        pytest.param(
            "A7", watched((1.0, RUNNING), (3.0, GONE), request__json={**REQUEST_BODY, "costPU": 3}),
            ["outputsComplete", "cost", "gone"], True, id="gone was seen first, but nobody had listed in between",
        ),
        pytest.param(
            "A7", watched((1.0, RUNNING), (8.0, GONE), request__json={**REQUEST_BODY, "costPU": 3}),
            ["outputsComplete", "cost", "gone"], True, id="the order that we assume",
        ),
    ],
)  # fmt: skip
def test_an_open_question_is_answered_by_what_was_seen(
    question: str, run: Watched, found: Any, agrees: bool | None
) -> None:
    assert seen(run, question) == (found, agrees)


COST = {**REQUEST_BODY, "costPU": 3}


@pytest.mark.parametrize(
    ("outputs_at", "gone_at", "found", "agrees"),
    [
        pytest.param(3.0, 9.0, ["outputsComplete", "cost", "gone"], True, id="seen after a cost that was read later"),
        pytest.param(5.0, 9.0, ["cost", "outputsComplete", "gone"], False, id="a listing after the cost shows none"),
        pytest.param(5.0, 2.0, ["cost", "gone", "outputsComplete"], False, id="gone, and then a listing without them"),
    ],
)
def test_an_order_is_seen_only_if_the_looks_show_it(
    outputs_at: float, gone_at: float, found: list[str], agrees: bool
) -> None:
    """A copy is read after its folder was listed: outputs that the next listing shows may have been there before."""
    copy, texts = stored("request.json", folder=""), {"request.json": json.dumps(COST)}
    listings = [
        (at, listing(*(map(stored, FILES) if at >= outputs_at else ()), copy, documents=texts))
        for at in (1.0, 3.0, 5.0)
    ]
    run = Watched(request_id=REQUEST_ID, statuses=[(0.5, RUNNING), (gone_at, GONE)], listings=listings)
    assert seen(run, "A7") == (found, agrees)


def test_extensions_are_told_by_type() -> None:
    objects = [stored(name) for name in ("default.tiff", "small.png", "photo.jpeg", "error.json")]
    found = Watched(request_id=REQUEST_ID, listings=[(0.0, listing(*objects))])
    assert seen(found, "A9") == ({"image/tiff": "tiff", "image/png": "png", "image/jpeg": "jpeg"}, True)
    strange = Watched(request_id=REQUEST_ID, listings=[(0.0, listing(stored("default.cog")))])
    assert seen(strange, "A9") == ({"image/tiff": "cog"}, False)


def test_a_copy_with_keys_in_it_is_told() -> None:
    found = watched(request__json=REQUEST_BODY)
    assert seen(found, "A3") == (False, True)
    found.has_secrets = True
    assert seen(found, "A3") == (True, False)


def test_delays_count_from_the_answer_of_the_post() -> None:
    run = watched((0.2, GONE), (2.0, RUNNING), (4.0, GONE), (6.0, GONE), request__json={**REQUEST_BODY, "costPU": 1})
    assert delays(run) == {"lastRunning": 2.0, "gone": 4.0, "outputsComplete": 5.0, "requestCopy": 5.0, "cost": 5.0}
    assert set(delays(Watched(request_id=REQUEST_ID)).values()) == {None}


def test_every_question_is_one_of_the_reference() -> None:
    found = observations(Watched(request_id=REQUEST_ID))
    assert [each.question for each in found] == ["A1", "A2", "A3", "A9", "A7", "B13", "B16"]
    assert all(isinstance(each, Observation) and each.agrees is None for each in found)
