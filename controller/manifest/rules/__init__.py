"""All rules that need more than one field of a document, in the order in which they are applied.

`validate` applies them to every document. A rule reads the document, whatever its content, and adds errors and
doubts; of two errors at one place the first is reported. What needs the evalscript is found by `compatibility`, what
needs the deployment or the date by `availability`, both in `analysis`.
"""

from collections.abc import Callable

from controller.manifest.problems import ProblemCollector
from controller.manifest.rules.area import area
from controller.manifest.rules.data import datasets
from controller.manifest.rules.delivery import delivery
from controller.manifest.rules.responses import responses
from controller.manifest.rules.size import size_rule

RULES: tuple[Callable[[ProblemCollector], None], ...] = (area, size_rule, delivery, datasets, responses)
