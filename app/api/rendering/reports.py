"""An evaluation -> Markdown to paste into an issue, or a page that needs nothing beside it.

What the evaluation's words come from - names of files, ids of products - may be anybody's: the page's templates escape
all of it, Markdown's by hand. `tests/unit/api/rendering` holds them to it.
"""

from base64 import b64encode
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from app.api import meanings
from app.api.rendering import numbers
from app.api.rendering.diagram import SIDE, points
from app.api.rendering.escaping import code, words
from app.api.rendering.figures import facts, headlines, retrieval_figures, search_figures, trust_figures
from app.domain.evaluating.records import Evaluation

CONTENT_SECURITY_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""All that the page needs; it says so itself, and who serves it should, too."""

_TEMPLATES: Final = Environment(
    loader=PackageLoader("app.api.rendering"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.filters.update(
    share=numbers.share,
    change=numbers.change,
    percent=numbers.percent,
    count=numbers.count,
    code=code,
    words=words,
    points=points,
)


def markdown(evaluation: Evaluation) -> str:
    """Its figures as tables of GitHub's Markdown. The pictures stay behind."""
    return _TEMPLATES.get_template("evaluation.md").render(_shown(evaluation))


def html(evaluation: Evaluation) -> str:
    """A page with the pictures in it: no script, no address of anywhere, light and dark, for a phone too."""
    page = {
        "pictures": {name: _address(jpeg) for name, jpeg in evaluation.pictures.items()},
        "policy": CONTENT_SECURITY_POLICY,
        "side": SIDE,
    }
    return _TEMPLATES.get_template("evaluation.html").render(_shown(evaluation) | page)


def _address(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


def _shown(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "evaluation": evaluation,
        "asked": evaluation.asked[:1].upper() + evaluation.asked[1:],
        "facts": facts(evaluation),
        "headlines": headlines(evaluation),
        "retrieval": retrieval_figures(evaluation.retrieval) if evaluation.retrieval else [],
        "trust": trust_figures(evaluation.trust) if evaluation.trust else [],
        "search": search_figures(evaluation),
        "repeated": evaluation.repeats > 1,
        "meanings": meanings,
    }
