import io
from typing import Any

from rich.console import Console, RenderableType

from app.cli import tables
from tests.unit.cli.fake_service import job, label


def lines(shown: RenderableType) -> list[list[str]]:
    """The words of each line, as a pipe gets them."""
    console = Console(file=io.StringIO(), width=300)
    with console.capture() as captured:
        console.print(shown)
    return [line.split() for line in captured.get().splitlines()]


def answer(*names: str) -> dict[str, Any]:
    results = [
        {
            "rank": rank,
            "product_id": f"p{rank}",
            "label_ids": ["cups", "sale"],
            "score": 1 / rank,
            "image": {"name": name},
        }
        for rank, name in enumerate(names, 1)
    ]
    timing = {"decode": 3.14, "embed": 20.0, "search": 0.5}
    return {"query": {"width": 640, "height": 480}, "results": results, "timing_ms": timing}


def test_labels_stand_with_their_counts() -> None:
    header, _, cups, mugs = lines(tables.labels_table([label("cups", 4, 3), label("mugs", 1_000, 0)]))
    assert ["label", "name", "images", "indexed"] == header
    assert [["cups", "cups", "4", "3"], ["mugs", "mugs", "1000", "0"]] == [cups, mugs]


def test_no_labels_and_no_jobs_and_no_results_are_said_in_words() -> None:
    assert [["No", "labels."]] == lines(tables.labels_table([]))
    assert [["No", "jobs."]] == lines(tables.jobs_table([]))
    assert ["Nothing", "found."] == lines(tables.results_table(answer()))[0]


def test_results_stand_in_their_order_with_the_time_they_took() -> None:
    header, _, first, second, timing = lines(tables.results_table(answer("a.jpg", "b.jpg")))
    assert ["rank", "score", "product", "labels", "name"] == header
    assert ["1", "1.0000", "p1", "cups,", "sale", "a.jpg"] == first
    assert ["2", "0.5000", "p2", "cups,", "sale", "b.jpg"] == second
    assert "640 x 480 pixels: decode 3.1 ms, embed 20.0 ms, search 0.5 ms" == " ".join(timing)


def test_a_hostile_name_cannot_leave_its_cell() -> None:
    rows = lines(tables.results_table(answer("\x1b[2J\n[red]x.jpg", "b.jpg")))
    assert "\ufffd[2J\ufffd[red]x.jpg" == rows[2][-1]
    assert 5 == len(rows)


def test_a_job_shows_how_much_of_it_is_done() -> None:
    running = job("b2", "running", total=10, indexed=3, already_there=2, failed=1)
    parent = job("c3", "queued", None) | {"children": ["b2", "a1"]}
    _, _, first, second = lines(tables.jobs_table([running, parent]))
    assert ["b2", "cups", "running", "6/10", "1"] == first[:5]
    assert ["c3", "2", "labels", "queued", "0/0", "0"] == second[:6]


def test_a_job_card_tells_why_and_what_failed() -> None:
    failed = job("b2", "failed", total=3, failed=3) | {
        "detail": "The catalogue is gone.",
        "failures_by_reason": {"undecodable": 2, "file_missing": 1},
        "children": ["d4", "e5"],
    }
    card = [" ".join(line) for line in lines(tables.job_card(failed))]
    expected = {
        "job b2",
        "state failed",
        "detail The catalogue is gone.",
        "failed: undecodable 2",
        "failed: file_missing 1",
        "children d4, e5",
    }
    assert expected <= set(card)


def test_a_summary_adds_up_all_jobs_and_names_what_is_wanting() -> None:
    whole = job("a1", "succeeded", "mugs", total=5, indexed=4, already_there=1)
    partial = job("b2", "partially_succeeded", total=4, indexed=1, failed=3) | {
        "failures_by_reason": {"too_small": 1, "undecodable": 2}
    }
    shown = [" ".join(line) for line in lines(tables.summary([whole, partial], [partial])) if line]
    assert "9 images: 5 indexed, 1 there already, 3 failed." == shown[0]
    assert ["undecodable 2", "too_small 1"] == shown[3:5]
    assert [
        "cups partially succeeded 4 3 b2",
        "Which ones: lookalike jobs failures b2",
        "Once more: lookalike jobs retry b2",
    ] == shown[-3:]


def test_a_summary_of_what_went_well_is_one_line() -> None:
    assert 1 == len(lines(tables.summary([job(total=2, indexed=2)], [])))


def test_failures_stand_with_the_address_that_was_tried_last_or_the_files_name() -> None:
    web = {"image_id": "7", "name": "7", "url": "http://a.example/7", "reason": "timeout", "attempts": 3}
    file = {"image_id": "8", "name": "8.jpg", "url": None, "reason": "undecodable", "attempts": 0}
    header, _, *rows = lines(tables.failures_table([web, file]))
    assert ["image", "reason", "attempts", "address"] == header
    assert [["7", "timeout", "3", "http://a.example/7"], ["8", "undecodable", "0", "8.jpg"]] == rows
    assert [["No", "failures."]] == lines(tables.failures_table([]))


def test_a_catalogue_tells_its_counts_and_what_was_wrong_by_reason() -> None:
    shop = {
        "name": "shop",
        "kind": "table",
        "files": ["a.csv", "b.csv"],
        "label_count": 2,
        "image_count": 9,
        "unlabelled_count": 1,
        "rejected_by_reason": {"no_image": 3},
        "remarks_by_reason": {"bad_price": 4},
        "read_at": None,
    }
    shown = [" ".join(line) for line in lines(tables.catalogue_cards([shop, shop | {"name": "other"}]))]
    expected = [
        "catalogue shop", "kind table", "files a.csv, b.csv", "labels 2", "images 9", "unlabelled 1",
        "left out: no_image 3", "remark: bad_price 4", "read",
    ]  # fmt: skip
    assert expected == shown[:9]
    assert ["", "catalogue other"] == shown[9:11]


def test_bad_records_stand_with_their_place() -> None:
    record = {
        "file": "a.csv", "section": "", "position": 4, "reason": "no_url", "detail": "Column url", "left_out": True,
    }  # fmt: skip
    _, _, row = lines(tables.bad_records_table([record]))
    assert ["a.csv", "4", "yes", "no_url", "Column", "url"] == row
    assert [["No", "bad", "records."]] == lines(tables.bad_records_table([]))


def test_the_status_names_the_part_that_is_away() -> None:
    health = {"status": "unavailable", "parts": {"model": "ok", "store": "It does not answer."}}
    model = {"name": "net", "dimensions": 1664, "fingerprint": "f00"}
    shown = [" ".join(line) for line in lines(tables.status_card(health, model, None, None))]
    expected = ["service unavailable", "model ok", "store It does not answer.", "network net, 1664 numbers (f00)"]
    assert expected == shown


def test_the_status_counts_what_is_indexed_and_lists_live_jobs() -> None:
    health = {"status": "ok", "parts": {}}
    indexes = [{"image_count": 3}, {"image_count": 1}]
    shown = [" ".join(line) for line in lines(tables.status_card(health, {}, indexes, [job("a1", "running")]))]
    assert "indexed 2 labels, 4 images" in shown
    assert "live jobs 1" in shown
    assert any(line.startswith("a1 cups running") for line in shown)
