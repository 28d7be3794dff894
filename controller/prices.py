"""Price tables as data: dated, with their source, chosen by the deployment profile (`data/prices.json`)."""

import json
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Prices(BaseModel):
    """One operator's rule: `minimum` in processing units, discounts as factors from `discount_from_pixels` on."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    dated: str
    source: str
    minimum: float
    discount: float
    discount_upper: float
    discount_from_pixels: int


@cache
def price_table(name: str) -> Prices:
    """The table of this name; the deployment profiles name only tables that exist, which a test holds."""
    text = files("controller").joinpath("data/prices.json").read_text(encoding="utf-8")
    return Prices.model_validate(json.loads(text)["tables"][name])
