"""What is kept of searches: the last scores, by space."""

from app.flows.recent import RecentSearches


def noted(recent: RecentSearches, space_id: str, *scores: float, raw: float = 0.5) -> RecentSearches:
    for score in scores:
        recent.note(space_id, score, raw)
    return recent


def test_scores_are_those_of_a_space_in_order() -> None:
    recent = noted(noted(noted(RecentSearches(), "one", 0.3, 0.2), "other", 0.9), "one", 0.4)
    assert ([0.3, 0.2, 0.4], [0.9], []) == (recent.scores("one"), recent.scores("other"), recent.scores("third"))


def test_only_the_last_ones_are_kept_of_all_spaces_together() -> None:
    recent = noted(noted(RecentSearches(most=3), "one", 0.1, 0.2, 0.3), "other", 0.4)
    assert ([0.2, 0.3], [0.4]) == (recent.scores("one"), recent.scores("other"))


def test_two_thousand_are_kept() -> None:
    assert [2.0, 2001.0] == noted(RecentSearches(), "one", *map(float, range(2002))).scores("one")[:: 2000 - 1]


def test_a_photo_that_is_indexed_itself_is_passed_over() -> None:
    recent = RecentSearches()
    for score, raw in ((0.1, 0.96), (0.2, 0.98), (0.3, 1.0), (0.4, -0.1)):
        recent.note("one", score, raw)
    assert [0.1, 0.4] == recent.scores("one")
