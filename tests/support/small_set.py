"""Small sets for tests: quick cells, as many as are named."""

from datetime import datetime, timedelta

from tests.conftest import ndvi

SET = """\
apiVersion: shjobs/v1
kind: AsyncProcessSet
metadata: {{name: {name}}}
spec:
  axes:
    window: {{every: day, from: {begin}, to: {end}}}
    place:
      values:
{places}
  template:
    evalscriptFile: ndvi.js
    request:
      input:
        bounds: {{bbox: $place.bbox}}
        data: [{{type: sentinel-2-l2a, dataFilter: {{timeRange: $window.range}}}}]
      output:
        width: 64
        height: 32
        responses: [{{identifier: default, format: {{type: image/tiff}}}}]
        delivery: {{s3: {{url: s3://my-bucket/rasters, credentialsRef: my-bucket}}}}
"""


def set_of(places: int, days: int = 50, name: str = "malta", begin: str = "2025-01-01") -> str:
    """A set with so many cells for each day."""
    values = [f"        p{n:03}: {{bbox: [{14 + n / 1000:.3f}, 35.80, 14.90, 35.90]}}" for n in range(places)]
    end = datetime.fromisoformat(begin) + timedelta(days=days - 1)
    return SET.format(name=name, places="\n".join(values), begin=begin, end=f"{end:%Y-%m-%d}")


def farm(name: str = "farm", *, fields: int = 3, spec: str = "", labels: str = "") -> str:
    """A set with one small, quick cell for each field: `farm-f0`, `farm-f1` and so on.

    `spec` and `labels` are further lines of YAML: keys of the set, and labels.
    """
    template = ndvi().partition("spec:\n")[2].replace("[14.4, 35.80, 14.50, 35.90]", "$field.bbox")
    values = "".join(
        f"        f{each}: {{bbox: [{14.2 + each / 100}, 35.80, 14.50, 35.90]}}\n" for each in range(fields)
    )
    return (
        f"apiVersion: shjobs/v1\nkind: AsyncProcessSet\nmetadata: {{name: {name}, labels: {{{labels}}}}}\nspec:\n{spec}"
        f"  axes:\n    field:\n      values:\n{values}  template:\n"
        + "".join(f"  {line}\n" for line in template.splitlines())
    )


def months(name: str = "farm", begin: str = "2022-06", end: str = "", after: str = "") -> str:
    """A set with one small, quick cell for each month; without `end` it goes on for ever."""
    template = ndvi().partition("spec:\n")[2]
    times = "{from: 2022-06-20T00:00:00Z, to: 2022-06-30T23:59:59Z}"
    assert times in template
    axis = ", ".join(
        ["every: month", f"from: {begin}", *([f"to: {end}"] if end else []), *([f"after: {after}"] if after else [])]
    )
    return (
        f"apiVersion: shjobs/v1\nkind: AsyncProcessSet\nmetadata: {{name: {name}}}\nspec:\n"
        f"  axes:\n    month: {{{axis}}}\n  template:\n"
        + "".join(f"  {line}\n" for line in template.replace(times, "$month.range").splitlines())
    )
