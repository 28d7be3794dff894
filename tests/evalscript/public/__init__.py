"""Evalscripts written in the manner of published ones, each with its request and its pixels in NumPy, by subject."""

from tests.evalscript.public import forms, fusion, outputs, visualizers
from tests.evalscript.public.optical import clouds, colours, days, granules, ground, series, vegetation
from tests.evalscript.public.row import Row
from tests.evalscript.public.sensors import landsat, others, radar, terrain

_SUBJECTS = (
    *(vegetation, ground, colours, clouds, days, granules, series, radar, terrain, landsat, others),
    *(fusion, outputs, visualizers, forms),
)
ROWS: tuple[Row, ...] = tuple(row for subject in _SUBJECTS for row in subject.ROWS)
