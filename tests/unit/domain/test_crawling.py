import pytest

from app.domain.crawling import forbids_indexing


@pytest.mark.parametrize(
    "tags",
    [["noindex"], ["NoIndex"], ["nofollow, noindex"], ["noimageindex"], ["none"], ["noai"], ["noimageai"],
     ["lookalike: noindex"], ["Lookalike: nofollow, NOINDEX"], ["googlebot: nofollow", "noindex"],
     ["googlebot: nofollow, lookalike: noindex"], ["max-snippet: 5, noindex"],
     ["unavailable_after: 25 Jun 2010 15:00:00 PST, none"]],
)  # fmt: skip
def test_these_tags_forbid_to_keep_an_image(tags: list[str]) -> None:
    assert forbids_indexing(tags)


@pytest.mark.parametrize(
    "tags",
    [[], [""], ["all"], ["nofollow"], ["noarchive, nosnippet"], ["googlebot: noindex"],
     ["googlebot: nofollow, noindex"],
     ["otherbot: none", "nofollow"], ["lookalike: nofollow, otherbot: noindex"], ["max-image-preview: none"],
     ["notlookalike: noindex"], [":,:"]],
)  # fmt: skip
def test_these_tags_do_not(tags: list[str]) -> None:
    assert not forbids_indexing(tags)
