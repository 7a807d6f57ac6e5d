from app.api.rendering.numbers import MISSING, count, milliseconds, percent, share


def test_figures_are_shown_one_way() -> None:
    assert ["0.912", "5.1 %", "100.0 %", "3.2 ms", "2,485"] == [
        share(0.9119), percent(0.0512), percent(1), milliseconds(3.249), count(2485),
    ]  # fmt: skip


def test_a_figure_that_is_not_there_is_a_dash() -> None:
    assert [MISSING, MISSING] == [share(None), percent(None)]
