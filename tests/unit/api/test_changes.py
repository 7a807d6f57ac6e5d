"""What changes something asks first whether this process may."""

from fastapi.routing import APIRoute

from app.api import evaluations, images, index, jobs, labels, search, service, spaces
from app.api.deps import CHANGES

READS = {"GET", "HEAD"}
QUESTIONS = ("/search", "/identify", "/compare")
"""Paths whose POST changes nothing."""


def routes() -> list[APIRoute]:
    modules = (evaluations, images, index, jobs, labels, search, service, spaces)
    return [route for module in modules for route in module.router.routes if isinstance(route, APIRoute)]


def test_every_change_asks_and_no_question_does() -> None:
    asking = {route.name for route in routes() if CHANGES[0] in route.dependencies}
    changing = {
        route.name
        for route in routes()
        if not (route.methods or READS) <= READS and not route.path.startswith(QUESTIONS)
    }
    assert changing == asking
    assert {"index_label", "index_many", "delete_index", "add_image", "change_image", "delete_image"} <= changing
    assert {"cancel_job", "retry_job", "adapt", "activate_space", "evaluate"} <= changing


def test_every_change_tells_that_it_may_be_refused() -> None:
    for route in routes():
        if CHANGES[0] in route.dependencies:
            assert "not_the_indexer" in route.responses[503]["description"]
