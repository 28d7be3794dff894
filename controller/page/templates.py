"""Turns what a page shows into HTML: Jinja2 with everything escaped, and the few filters that templates use."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from controller.model.errors import truncate
from controller.model.reasons import Phase
from controller.operations.inspect.why import ago as roughly
from controller.operations.numbers import human_size
from controller.page.links import Links
from controller.page.svg.chart import day_chart
from controller.page.svg.filters import FILTERS

FOLDER = Path(__file__).parent
_TONES: dict[str, str] = {
    **dict.fromkeys((Phase.SUCCEEDED, "well"), "good"),
    **dict.fromkeys((Phase.INVALID, Phase.FAILED, "not well"), "bad"),
    **dict.fromkeys((Phase.UNKNOWN, Phase.UNCONFIRMED), "doubt"),
    Phase.HELD: "wait",
    **dict.fromkeys((Phase.PENDING, Phase.SUBMITTING, Phase.RUNNING, Phase.VERIFYING), "run"),
}
_LONGEST = 1e9  # seconds
LONGEST_TEXT = 300  # characters of a message in a list


def html_of(name: str, page: Mapping[str, Any], links: Links) -> str:
    """The HTML of one page. `page` is what its view returned; its template is `NAME.html`."""
    return _environment().get_template(f"{name}.html").render(page=page, link=links, name=name)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"number": _number, "units": _units, "when": _when, "short": _short, "tone": _tone, **FILTERS}
    made.filters |= {"size": human_size, "duration": _duration, "coded": _coded}
    made.globals["day_chart"] = day_chart
    return made


def _number(value: float) -> str:
    """`12,480`."""
    return f"{value:,.0f}"


def _units(value: float | None) -> str:
    """Processing units, as exact as a reader needs: `0.25`, `12.5`, `1,204`; a dash when they are unknown."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def _duration(seconds: float) -> str:
    """`40 s`, `12 min`, `24 h`, `2 days`."""
    return roughly(timedelta(seconds=min(seconds, _LONGEST)))


def _when(value: str | None, now: str) -> Markup:
    """A time as how long ago it is, with the exact one to hover over or to read aloud."""
    if not value:
        return Markup("")
    moment, present = _moment(value), _moment(now)
    words = f"{roughly(present - moment)} ago" if moment <= present else f"in {roughly(moment - present)}"
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(f"{moment:%Y-%m-%dT%H:%M:%SZ}", words)


def _tone(phase: str) -> str:
    """The class of a phase in the style sheet: its colour and its sign."""
    return _TONES.get(phase, "none")


def _coded(text: str) -> Markup:
    """Text in which what is between backticks is code: commands, and fields of a manifest."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one without its other
        return Markup("{}").format(text)
    shown = (Markup("<code>{}</code>").format(each) if number % 2 else each for number, each in enumerate(parts))
    return Markup("").join(shown)


def _short(text: str, most: int = LONGEST_TEXT) -> str:
    """Text for a list, on one line of so many characters at most."""
    return truncate(text, most)


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)
