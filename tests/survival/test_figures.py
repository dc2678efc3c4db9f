"""Figures: what is drawn is what was estimated, and no words lie over each other."""

from __future__ import annotations

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from impact.errors import InputError
from impact.figures import COLOURS, STYLES, interval_rows
from impact.survival.cox import cox
from impact.survival.cumulative_incidence import cumulative_incidence
from impact.survival.figures.style import look
from impact.survival.kaplan_meier import kaplan_meier
from impact.survival.split_population import split_population

LONG = {0: "Comparison people matched on propensity score, 3:1", 1: "Took part in the programme (any session)"}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def people(copies: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 300
    days = np.minimum(np.ceil(rng.exponential(400, n)), 730)
    frame = pd.DataFrame({"days": days, "event": (days < 730).astype(int), "t": rng.integers(0, 2, n)})
    frame["site"] = rng.choice(list("ABCDEFGH"), n)
    frame["long"], frame["x"] = frame["t"].map(LONG), rng.normal(size=n)
    return pd.concat([frame] * copies, ignore_index=True)


def words_beneath(axes: plt.Axes) -> list[plt.Text]:
    return [text for text in axes.texts if text.get_text()]


@pytest.mark.parametrize("by", ["t", "site", "long"])
@pytest.mark.parametrize("copies", [1, 400])
def test_numbers_at_risk_stand_clear_of_each_other_and_inside_the_figure(by, copies):
    axes = kaplan_meier(people(copies), "days", "event", by=by).plot()
    axes.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in words_beneath(axes)]
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    page = axes.figure.bbox
    assert all(box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1 and box.y0 >= page.y0 - 1 for box in boxes)
    label = axes.xaxis.get_label().get_window_extent()
    assert not any(box.overlaps(label) for box in boxes)


def test_months_have_ticks_at_whole_months_and_the_counts_of_those_days():
    curve = kaplan_meier(people(), "days", "event", by="t")
    axes = curve.plot(unit="months")
    axes.figure.canvas.draw()
    assert axes.get_xlabel() == "Months of 30.4375 days"
    ticks = axes.get_xticks()
    np.testing.assert_allclose(ticks / 30.4375, np.round(ticks / 30.4375))
    assert [label.get_text() for label in axes.get_xticklabels()] == [f"{tick / 30.4375:.0f}" for tick in ticks]
    printed = [int(text.get_text()) for text in axes.texts if text.get_text().isdigit()]
    expected = curve.at(ticks)["n_risk"].tolist()
    assert [count for count in printed if count not in (0, 1)] == [count for count in expected if count not in (0, 1)]
    ten = kaplan_meier(people().assign(days=lambda data: data["days"] * 10), "days", "event").plot(unit="months")
    assert len(ten.get_xticks()) <= 10
    with pytest.raises(InputError, match="unit must be one of days, months"):
        curve.plot(unit="weeks")


def test_the_cumulative_form_is_one_less_the_curve():
    curve = kaplan_meier(people().assign(event=lambda data: (data.index % 40 == 0).astype(int)), "days", "event")
    plain, turned = curve.plot(at_risk=False), curve.plot(at_risk=False, cumulative=True)
    np.testing.assert_allclose(1 - plain.lines[0].get_ydata(), turned.lines[0].get_ydata())
    assert turned.get_ylabel() == "With the event"
    assert turned.get_ylim()[0] == 0
    bands = [
        np.concatenate([path.vertices[:, 1] for path in axes.collections[0].get_paths()]) for axes in (plain, turned)
    ]
    assert np.nanmin(bands[0]) == pytest.approx(1 - np.nanmax(bands[1]))
    assert np.nanmax(bands[1]) < turned.get_ylim()[1] < 0.5


def test_groups_differ_without_colour():
    assert len({look(place) for place in range(36)}) == 36
    assert len({str(look(place)[1]) for place in range(len(STYLES))}) == len(STYLES)
    assert len(set(COLOURS)) == len(COLOURS)


def test_predicted_curves_and_drift_take_and_return_axes():
    fit = cox(people(), "days", "event", ["t", "x"])
    axes = plt.subplots()[1]
    curves = fit.predict(pd.DataFrame({"t": [0, 1], "x": [0.0, 0.0]}, index=["Comparison", "Programme"]))
    assert curves.plot(axes, unit="months", cumulative=True) is axes
    assert axes.get_legend_handles_labels()[1] == ["Comparison", "Programme"]
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(
        1 - curves.tidy().query("row == 'Comparison'")["estimate"].iloc[-1]
    )
    other = plt.subplots()[1]
    test = fit.ph_test()
    assert test.plot("x", other) is other
    np.testing.assert_allclose(other.lines[2].get_ydata(), fit.coefficients[1])
    np.testing.assert_allclose(other.lines[1].get_ydata(), test.smooth("x")["estimate"])


def test_a_forest_says_its_numbers():
    fit = cox(people(), "days", "event", ["t", "x"])
    axes = fit.plot()
    axes.figure.canvas.draw()
    row = fit.tidy(exponentiate=True).iloc[0]
    assert axes.texts[0].get_text() == f"{row['estimate']:.3g} ({row['conf_low']:.3g} to {row['conf_high']:.3g})"
    assert all(text.get_window_extent().x1 <= axes.figure.bbox.x1 + 1 for text in axes.texts)


def test_a_narrow_forest_has_several_ticks_within_it_and_a_wide_one_too():
    for scale, least in ((0.01, 3), (0.3, 3), (3.0, 2)):
        axes = interval_rows(
            ["a", "b"], np.exp([0, scale]), np.exp([-scale, 0]), np.exp([scale, 2 * scale]), ratio=True, xlabel="ratio"
        )
        low, high = axes.get_xlim()
        assert sum(low <= tick <= high for tick in axes.get_xticks()) >= least


def test_many_curves_have_their_names_beside_the_figure():
    data = people().assign(what=lambda frame: np.where(frame["event"] == 1, 1 + frame.index % 2, 0))
    axes = cumulative_incidence(data, "days", "what", by="t").plot()
    axes.figure.canvas.draw()
    assert axes.get_legend().get_window_extent().x0 >= axes.get_window_extent().x1 - 1


def test_the_drift_of_a_rare_category_is_not_flattened_by_its_own_residuals():
    data = people().assign(rare=lambda frame: (frame.index % 25 == 0).astype(int))
    test = cox(data, "days", "event", ["rare", "x"]).ph_test()
    axes = test.plot("rare")
    low, high = axes.get_ylim()
    band = axes.collections[0].get_datalim(axes.transData)
    assert 0.3 < band.height / (high - low) < 0.4
    points = axes.lines[0].get_ydata()
    beyond = int(((points < low) | (points > high)).sum())
    assert beyond > 0
    assert axes.get_legend().get_texts()[0].get_text() == f"One event ({beyond} more beyond)"
    few = cox(people().head(25), "days", "event", ["x"]).ph_test()
    assert few.plot("x").get_legend().get_texts()[0].get_text() == "One event"


def test_a_model_without_a_split_draws_nobody_who_never_has_the_event():
    data = people().assign(event=1)
    axes = split_population(data, "days", "event").plot()
    assert "Never, by the model" not in [text.get_text() for text in axes.get_legend().get_texts()]
