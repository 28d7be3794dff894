"""How a request or its evalscript is changed: the single functions of the table in `mistakes`."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from controller.model.catalog import collection
from tests.proofs.bodies import Case

Change = Callable[[Random, Case], object]


def one_input(random: Random, case: Case) -> dict[str, Any]:
    """An input of the script, in its longer form."""
    if not isinstance(case.setup["input"][0], dict):
        case.setup["input"] = [{"bands": case.setup["input"]}]
    return random.choice(case.inputs)


def one_output(random: Random, case: Case) -> dict[str, Any]:
    if isinstance(case.setup["output"], dict):
        case.setup["output"] = [case.setup["output"]]
    return random.choice(case.outputs)


def put_input(key: str, *values: Any) -> Change:
    return lambda random, case: one_input(random, case).update({key: random.choice(values)})


def put_output(key: str, *values: Any) -> Change:
    return lambda random, case: one_output(random, case).update({key: random.choice(values)})


def put_setup(key: str, *values: Any) -> Change:
    return lambda random, case: case.setup.update({key: random.choice(values)})


def put_type(*values: Any) -> Change:
    def change(random: Random, case: Case) -> None:
        random.choice(case.data)["type"] = random.choice(values)

    return change


def put_option(section: str, **values: tuple[Any, ...]) -> Change:
    """One of the values for each key that the collection documents, in a section of one element of `input.data`.

    What it does not document is ignored by the service, whatever its value, and `check` is stricter.
    """

    def change(random: Random, case: Case) -> None:
        dataset = random.choice(case.data)
        used = collection(dataset["type"])
        for key, choices in values.items():
            if used is not None and key in used.options[section]:
                dataset.setdefault(section, {})[key] = random.choice(choices)

    return change


def put_time(*values: Any) -> Change:
    def change(random: Random, case: Case) -> None:
        dataset = random.choice(case.data)
        if dataset["type"] != "dem":
            dataset.setdefault("dataFilter", {})["timeRange"] = random.choice(values)

    return change


def put_size(*sizes: Mapping[str, Any]) -> Change:
    def change(random: Random, case: Case) -> None:
        for key in ("width", "height", "resx", "resy"):
            case.body["output"].pop(key, None)
        case.body["output"].update(random.choice(sizes))

    return change


def put_response(**values: tuple[Any, ...]) -> Change:
    def change(random: Random, case: Case) -> None:
        response = random.choice(case.body["output"]["responses"])
        response.update({key: random.choice(choices) for key, choices in values.items()})

    return change


def put_bounds(*bounds: Mapping[str, Any]) -> Change:
    return lambda random, case: case.body["input"].update({"bounds": dict(random.choice(bounds))})


def returned(*answers: str) -> Change:
    def change(random: Random, case: Case) -> None:
        case.answer = random.choice(answers)

    return change


def more(*texts: str) -> Change:
    def change(random: Random, case: Case) -> None:
        case.more = random.choice(texts)

    return change


def another_band(random: Random, case: Case) -> None:
    """A band that another collection has, or none."""
    bands = one_input(random, case)["bands"]
    bands.append(random.choice(("B99", "b04", "B8", "VV", "B04", "SCL", "DEM", "BQA", "dataMask", "B10", "CLM")))
    without_list_of_units(case)


def without_list_of_units(case: Case) -> None:
    for asked in case.inputs:
        if isinstance(asked.get("units"), list):
            del asked["units"]


def no_bands(random: Random, case: Case) -> None:
    one_input(random, case)["bands"] = random.choice(([], "B04", None, [4], ["dataMask"]))
    without_list_of_units(case)


def a_band_twice(random: Random, case: Case) -> None:
    asked = one_input(random, case)
    asked["bands"].append(asked["bands"][0])
    without_list_of_units(case)


def wrong_count_of_units(random: Random, case: Case) -> None:
    asked = one_input(random, case)
    asked["units"] = ["DN"] * random.choice((len(asked["bands"]) + 1, max(0, len(asked["bands"]) - 1)))


def needy_band(random: Random, case: Case) -> None:
    asked = one_input(random, case)
    asked["bands"] = [random.choice(("localIncidenceAngle", "scatteringArea", "shadowMask"))]
    asked.pop("units", None)
    if random.random() < 0.5:
        for dataset in case.data:
            if dataset["type"] == "sentinel-1-grd":
                dataset["processing"] = {"orthorectify": True, "backCoeff": "GAMMA0_TERRAIN"}


def another_source(random: Random, case: Case) -> None:
    """One element of `input.data` that the script has no input for."""
    name = {"id": "more"} if "id" in case.data[0] else {}
    case.data.append({"type": "dem", **name})


def another_input(random: Random, case: Case) -> None:
    one_input(random, case)
    case.inputs.append({"bands": ["DEM"]} | random.choice(({}, {"datasource": "more"}, {"datasource": "source0"})))


def no_ids(random: Random, case: Case) -> None:
    """The names on one side only."""
    if random.random() < 0.5:
        for dataset in case.data:
            dataset.pop("id", None)
    else:
        one_input(random, case)
        for asked in case.inputs:
            asked.pop("datasource", None)


def other_id(random: Random, case: Case) -> None:
    random.choice(case.data)["id"] = random.choice(("source0", "source1", "other", "", "a b", 7))


def repeated_output(random: Random, case: Case) -> None:
    output = one_output(random, case)
    case.outputs.append(dict(output))


def undelivered_output(random: Random, case: Case) -> None:
    one_output(random, case)
    case.outputs.append({"id": "more", "bands": random.choice((1, 2))})
    if random.random() < 0.7 and not case.answer:
        case.returned["more"] = "[1]"


def odd_id(random: Random, case: Case) -> None:
    """Named alike in setup(), in what is returned and in the response."""
    output, name = (
        one_output(random, case),
        random.choice(("a/b", "a b", "..", "é", "x.y", "A-1", "_", "x" * 300, "userdata")),
    )
    old, output["id"] = output.get("id", "default"), name
    case.returned = {name if id == old else id: values for id, values in case.returned.items()}
    for response in case.body["output"]["responses"]:
        if response["identifier"] == old:
            response["identifier"] = name


def bands_of_output(random: Random, case: Case) -> None:
    """Returned alike, unless the number is none."""
    output = one_output(random, case)
    output["bands"] = random.choice((0, -1, 1.5, "3", ["B04"], None, 5, 2, 3.0, 16))
    if isinstance(output["bands"], int | float) and output["bands"] > 0:
        values = f"Array({output['bands']}).fill(v)"
        case.returned[output.get("id", "default")] = values
        case.answer = values if case.answer else ""


def repeated_response(random: Random, case: Case) -> None:
    responses = case.body["output"]["responses"]
    responses.append(dict(random.choice(responses)))


def responses(random: Random, case: Case) -> None:
    case.body["output"]["responses"] = random.choice(([], None, "default", [{}], [{"identifier": "default"}], [None]))


def no_responses(random: Random, case: Case) -> None:
    del case.body["output"]["responses"]


def missing_function(random: Random, case: Case) -> None:
    case.without = (random.choice(("setup", "evaluatePixel")),)


def pragma(random: Random, case: Case) -> None:
    case.pragma = random.choice(
        ("", "//VERSION=2", "//VERSION=3 (by hand)", "// VERSION=3", "\n//VERSION=3", "//version=3")
    )


def whole_setup(random: Random, case: Case) -> None:
    case.setup = random.choice((None, [], {"input": ["B04"]}, {"output": {"bands": 1}}, "x"))


def resized(random: Random, case: Case) -> None:
    """updateOutput that says another number of bands, which is returned."""
    output, bands = one_output(random, case), random.choice((0, 1, 2, 5, "'x'"))
    id = output.get("id", "default")
    case.more = f"function updateOutput(outputs) {{ outputs[{id!r}].bands = {bands}; }}"
    values = f"Array({bands if isinstance(bands, int) else 1}).fill(v)"
    case.returned[id] = values
    case.answer = values if case.answer else ""
