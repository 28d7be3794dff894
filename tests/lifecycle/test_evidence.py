"""Evidence: a listing of the bucket is read in every shape that the service is known or assumed to give it."""

import json
from typing import Any

import pytest

from controller.lifecycle.evidence import delivered_object, observe, request_ids
from controller.model.answers import BucketAnswer, StoredObject, Unreadable
from controller.model.job import ExpectedOutput
from controller.model.submission import Evidence
from tests.support.factories import (
    FOREIGN_ID,
    JPEG,
    NOW,
    REQUEST_ID,
    TIFF,
    USERDATA,
    at,
    evidence,
    listing,
    request_copy,
    stored,
)

TIFF_OBJECT = stored("default.tif")
NO_WORDS = "error.json is there, but holds no message"


def look(answer: BucketAnswer, previous: Evidence | None = None, now: float = 0) -> Evidence:
    return observe(answer, previous, REQUEST_ID, (TIFF, USERDATA), at(now))


def spent(name: str, text: str, folder: str = REQUEST_ID) -> float | None:
    """What a listing with this one document says was spent."""
    item = stored(name, folder=folder)
    return look(listing(item, documents={item.key: text})).spent


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"costPU": 1.5}
    for _ in range(depth):
        document = {"more": document}
    return document


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("error.json", request_copy(costPU=4), id="an error.json is no request copy"),
        pytest.param("userdata.json", request_copy(costPU=4), id="a declared output is no request copy"),
        pytest.param("notes.json", json.dumps({"costPU": 4}), id="a document without input and output is none"),
        pytest.param("request.json", "", id="empty"),
        pytest.param("request.json", "{", id="cut in the middle"),
        pytest.param("request.json", "[" * 100_000, id="absurdly deep"),
        pytest.param("request.json", "[1, 2]", id="a list"),
        pytest.param("request.json", request_copy(), id="the copy of the start tells no cost yet"),
        pytest.param("request.json", request_copy(costPU=None), id="null"),
        pytest.param("request.json", request_copy(costPU=True), id="true is no amount"),
        pytest.param("request.json", request_copy(costPU="4.0"), id="text is no amount"),
        pytest.param("request.json", request_copy(costPU=-1), id="negative"),
        pytest.param("request.json", request_copy(costPU=float("nan")), id="NaN"),
        pytest.param("request.json", request_copy(costPU=float("inf")), id="infinite"),
        pytest.param("request.json", request_copy(costPU=1e308), id="more than any request can cost"),
        pytest.param("request.json", request_copy(costPU=10**400), id="a whole number beyond every float"),
        pytest.param("request.json", request_copy(more={"cpu": 4, "output": 3}), id="`pu` inside another word"),
        pytest.param("request.json", request_copy(input={"dataFilter": {"pu": 0}}), id="a key of the user's own"),
        pytest.param(
            "request.json",
            json.dumps({"request": {"input": {"pu": 1e300}, "output": {"cost": 0}}}),
            id="the user's own keys, further in",
        ),
    ],
)
def test_no_cost_is_told(name: str, text: str) -> None:
    assert spent(name, text) is None


@pytest.mark.parametrize(
    ("name", "folder", "text", "expected"),
    [
        pytest.param("request.json", REQUEST_ID, request_copy(costPU=4.25), 4.25, id="a copy in the request's folder"),
        pytest.param(
            f"request-{REQUEST_ID}.json", "", request_copy(costPU=4.25), 4.25, id="a copy in the root, with id"
        ),
        pytest.param("anything.json", "", request_copy(costPU=4.25), 4.25, id="a copy in the root, whatever its name"),
        pytest.param("request.json", REQUEST_ID, request_copy(costPU=0), 0.0, id="nothing was charged"),
        pytest.param("request.json", REQUEST_ID, request_copy(cost=7), 7.0, id="`cost`"),
        pytest.param("request.json", REQUEST_ID, request_copy(totalCost=7), 7.0, id="`totalCost`"),
        pytest.param("request.json", REQUEST_ID, request_copy(pu=7), 7.0, id="`pu`"),
        pytest.param("request.json", REQUEST_ID, request_copy(**{"PU spent": 7}), 7.0, id="`PU spent`"),
        pytest.param("request.json", REQUEST_ID, request_copy(processingUnits=7), 7.0, id="`processingUnits`"),
        pytest.param("request.json", REQUEST_ID, request_copy(processing_units=7), 7.0, id="`processing_units`"),
        pytest.param("request.json", REQUEST_ID, request_copy(**{"x-processing-units": 7}), 7.0, id="with a hyphen"),
        pytest.param("request.json", REQUEST_ID, request_copy(bill={"costPU": 7}), 7.0, id="nested in an object"),
        pytest.param(
            "request.json",
            REQUEST_ID,
            request_copy(input={"pu": 0}, bill={"costPU": 7}),
            7.0,
            id="whatever the user wrote further out",
        ),
        pytest.param("request.json", REQUEST_ID, request_copy(bills=[[{"costPU": 7}]]), 7.0, id="nested in lists"),
        pytest.param("request.json", REQUEST_ID, request_copy(more=nested(50)), 1.5, id="nested very deep"),
        pytest.param(
            "request.json", REQUEST_ID, request_copy(a={"cost": 1}, costPU=9), 9.0, id="the outermost amount counts"
        ),
        pytest.param(
            "request.json", REQUEST_ID, request_copy(cost="n/a", costPU=9), 9.0, id="the first that is a number"
        ),
        pytest.param(
            "request.json",
            REQUEST_ID,
            json.dumps({"request": json.loads(request_copy()), "costPU": 7}),
            7.0,
            id="the request inside an envelope",
        ),
    ],
)
def test_the_cost_that_a_request_copy_tells(name: str, folder: str, text: str, expected: float) -> None:
    assert spent(name, text, folder) == expected


def test_of_two_copies_the_one_that_tells_a_cost_counts() -> None:
    early, late = stored("request.json"), stored(f"request-{REQUEST_ID}.json", folder="")
    documents = {early.key: request_copy(), late.key: request_copy(costPU=7)}
    assert look(listing(early, late, documents=documents)).spent == 7.0


def test_a_cost_once_told_stays_known() -> None:
    reported = evidence(spent=7.0)
    assert look(listing(TIFF_OBJECT), reported).spent == 7.0
    assert look(Unreadable(message="AccessDenied"), reported).spent == 7.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('{"status": 400, "message": "no bands", "code": "X"}', "no bands", id="flat"),
        pytest.param('{"error": {"status": 400, "message": "no bands"}}', "no bands", id="wrapped"),
        pytest.param('{"error": "no bands"}', "no bands", id="a bare word under `error`"),
        pytest.param(
            '{"message": "", "error": {"message": "no bands"}}', "no bands", id="the first that says something"
        ),
        pytest.param(
            '{"message": 7, "error": null}', '{"message": 7, "error": null}', id="unknown shape: its own text"
        ),
        pytest.param("Out of\n memory", "Out of memory", id="not JSON: its own text on one line"),
        pytest.param('["no bands"]', '["no bands"]', id="a list: its own text"),
        pytest.param('{"message": "no', '{"message": "no', id="cut in the middle: its own text"),
        pytest.param(
            r'{"error": {"message": "no pixel \ud83d"}}', "no pixel ?", id="half of a character, which cannot be stored"
        ),
        pytest.param("", NO_WORDS, id="empty"),
        pytest.param(" \n", NO_WORDS, id="blank"),
        pytest.param('{"message": "' + "x" * 5000 + '"}', "x" * 2047 + "…", id="very long: cut"),
    ],
)
def test_the_words_of_an_error_document(text: str, words: str) -> None:
    item = stored("error.json", bytes=len(text))
    assert look(listing(item, documents={item.key: text})) == Evidence(
        at=NOW, since=NOW, readable=True, objects=(item,), error=words
    )


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(stored("error.json", folder=""), id="in the root of the prefix"),
        pytest.param(stored("error.json"), id="in the request's folder"),
        pytest.param(stored("error.json", folder=f"{REQUEST_ID}/default"), id="deeper in the request's folder"),
    ],
)
def test_where_an_error_document_may_lie(item: StoredObject) -> None:
    documents = {item.key: '{"message": "boom"}'}
    found = look(listing(TIFF_OBJECT, item, documents=documents))
    objects = tuple(sorted((TIFF_OBJECT, item)))
    assert found == Evidence(at=NOW, since=NOW, readable=True, objects=objects, error="boom")


def test_an_error_document_that_was_not_read_still_is_one() -> None:
    assert look(listing(stored("error.json"))).error == NO_WORDS


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(stored("default.tif", folder=FOREIGN_ID), id="another request's output"),
        pytest.param(stored("error.json", folder=FOREIGN_ID), id="another request's error"),
        pytest.param(stored(f"request-{FOREIGN_ID}.json", folder=""), id="another request's copy in the root"),
        pytest.param(stored("default.tif", folder="by-hand"), id="a folder somebody made"),
    ],
)
def test_what_is_not_this_requests_is_not_seen(item: StoredObject) -> None:
    documents = {item.key: request_copy(costPU=7, message="boom")}
    assert look(listing(item, documents=documents)) == Evidence(at=NOW, since=NOW, readable=True)


def test_a_folder_in_capitals_is_the_same_request() -> None:
    request_id = "ABCDEF00-2222-4333-8444-555555555555"
    item = stored("default.tif", folder=request_id)
    assert observe(listing(item), None, request_id.lower(), (TIFF,), NOW).objects == (item,)


def test_everything_counts_while_the_request_id_is_not_known() -> None:
    item = stored("default.tif", folder=FOREIGN_ID)
    assert observe(listing(item), None, None, (TIFF,), NOW).objects == (item,)


@pytest.mark.parametrize(
    ("previous", "answer", "since"),
    [
        pytest.param(None, listing(TIFF_OBJECT), 20, id="seen for the first time: from now"),
        pytest.param(evidence(), listing(TIFF_OBJECT), 0, id="the same as before: since then"),
        pytest.param(evidence(), listing(stored("default.tif", bytes=101)), 20, id="it grew: from now"),
        pytest.param(evidence(), listing(stored("default.tif", etag="b")), 20, id="other bytes: from now"),
        pytest.param(evidence(), listing(stored("default.tif", modified=NOW)), 20, id="written again: from now"),
        pytest.param(evidence(), listing(TIFF_OBJECT, stored("more.tif")), 20, id="one more object: from now"),
        pytest.param(evidence(), listing(), 20, id="gone: from now"),
        pytest.param(
            evidence(), listing(TIFF_OBJECT, stored("x.tif", folder=FOREIGN_ID)), 0, id="foreign objects do not count"
        ),
        pytest.param(evidence(readable=False), listing(TIFF_OBJECT), 20, id="readable again: from now"),
    ],
)
def test_since_when_the_objects_are_what_they_are(
    previous: Evidence | None, answer: BucketAnswer, since: float
) -> None:
    found = look(answer, previous, now=20)
    assert (found.at, found.since, found.readable) == (at(20), at(since), True)


@pytest.mark.parametrize(
    ("previous", "objects"),
    [
        pytest.param(None, (), id="never read"),
        pytest.param(evidence(), (TIFF_OBJECT,), id="read before: what was seen is remembered"),
    ],
)
def test_a_bucket_that_cannot_be_read(previous: Evidence | None, objects: tuple[StoredObject, ...]) -> None:
    assert look(Unreadable(message="AccessDenied"), previous, now=20) == Evidence(
        at=at(20), since=at(20), readable=False, objects=objects, message="AccessDenied"
    )


@pytest.mark.parametrize(
    ("output", "item"),
    [
        pytest.param(TIFF, stored("default.tif", bytes=0), id="zero bytes"),
        pytest.param(TIFF, stored("default.png"), id="another format"),
        pytest.param(TIFF, stored("default.tif.part"), id="an unfinished name"),
        pytest.param(TIFF, stored("default2.tif"), id="another stem"),
        pytest.param(TIFF, stored("default.tif", folder=""), id="in the root, outside every request"),
        pytest.param(JPEG, stored("default.jpg"), id="another identifier"),
    ],
)
def test_what_is_not_a_delivered_output(output: ExpectedOutput, item: StoredObject) -> None:
    assert delivered_object(evidence(objects=(item,)), output) is None


@pytest.mark.parametrize(
    ("output", "item"),
    [
        pytest.param(TIFF, stored("default.tif"), id="the observed extension"),
        pytest.param(TIFF, stored("default.tiff"), id="the long extension"),
        pytest.param(TIFF, stored("default"), id="no extension"),
        pytest.param(TIFF, stored("default.tif", bytes=1), id="a single byte"),
        pytest.param(TIFF, stored("default.tif", folder=f"{REQUEST_ID}/a"), id="one folder deeper"),
        pytest.param(JPEG, stored("preview.jpg"), id="jpg"),
        pytest.param(JPEG, stored("preview.jpeg"), id="jpeg"),
        pytest.param(USERDATA, stored("userdata.json"), id="userdata"),
    ],
)
def test_a_delivered_output(output: ExpectedOutput, item: StoredObject) -> None:
    assert delivered_object(evidence(objects=(stored("other.tif"), item)), output) == item


def test_an_empty_file_does_not_hide_a_full_one() -> None:
    empty, full = stored("default", bytes=0), stored("default.tif")
    assert delivered_object(evidence(objects=(empty, full)), TIFF) == full


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param([], (), id="no keys"),
        pytest.param(["error.json", "by-hand/default.tif"], (), id="no id in any key"),
        pytest.param([f"{REQUEST_ID}/a.tif", f"{REQUEST_ID}/b.tif"], (REQUEST_ID,), id="one folder"),
        pytest.param([f"request-{REQUEST_ID}.json"], (REQUEST_ID,), id="a copy in the root"),
        pytest.param([f"{REQUEST_ID.upper()}/a.tif"], (REQUEST_ID,), id="in capitals"),
        pytest.param([f"{FOREIGN_ID}/a", f"{REQUEST_ID}/a"], (FOREIGN_ID, REQUEST_ID), id="in order of appearance"),
    ],
)
def test_the_request_ids_that_keys_name(keys: list[str], expected: tuple[str, ...]) -> None:
    assert request_ids(keys) == expected
