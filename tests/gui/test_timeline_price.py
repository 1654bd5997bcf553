"""What the foot of the window says of the price of a step."""

from __future__ import annotations

import math

from nnviz.gui.runs.standing import Standing
from nnviz.gui.window.timeline import price_help, price_text


def test_what_everything_costs_stands_beside_what_the_instruments_cost() -> None:
    standing = Standing(step_price=1.42, probe_cost=0.056)
    assert price_text(standing) == "a step takes 1.42 × bare · instruments 5.6 %"
    assert "1.42 times as long as training alone: 5.6 % of it for the instruments, 36.4 % for drawing" in price_help(
        standing
    )


def test_nothing_is_said_that_is_not_known() -> None:
    assert price_text(Standing()) == ""
    assert price_text(Standing(step_price=math.nan, probe_cost=0.02)) == "instruments 2.0 %"
    assert "drawing" not in price_help(Standing(probe_cost=0.02))
