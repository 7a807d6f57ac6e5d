import pytest

from app.api.negotiation import best_type

OFFERED = ("application/json", "application/x-ndjson", "text/csv")


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*", "text/csv"),
        ("application/*", "application/json"),
        ("application/x-ndjson, application/json", "application/json"),
        ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
        ("*/*;q=0.1, text/csv;q=0.2", "text/csv"),
        ("*/*, application/json;q=0", "application/x-ndjson"),
        ("text/csv;q=nonsense", "text/csv"),
        (" , ,text/csv", "text/csv"),
        ("text/html", None),
        ("text/csv;q=0", None),
        ("garbage", None),
    ],
)
def test_the_best_type_of_those_offered_is_the_callers(accepted: str, expected: str | None) -> None:
    assert expected == best_type(accepted, OFFERED)
