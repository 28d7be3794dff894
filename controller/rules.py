"""All rules that need more than one field of a document, in the order in which they are applied.

`acceptance` applies them to every document. A rule reads the document, whatever stands in it, and adds faults and
doubts; of two faults at one place the first is told. What needs the evalscript is found by `agreement`, what needs
the deployment or the date by `availability`.
"""

from collections.abc import Callable

from controller.area import area
from controller.datasets import datasets
from controller.delivery import delivery
from controller.faults import Faults
from controller.responses import responses
from controller.size import size

RULES: tuple[Callable[[Faults], None], ...] = (area, size, delivery, datasets, responses)
