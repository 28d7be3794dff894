"""A small set for tests: one script, a cell for each place and day."""

from datetime import datetime, timedelta

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
