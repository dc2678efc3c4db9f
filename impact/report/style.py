"""How figures look: a face that ships with matplotlib; colours that differ in lightness, so grey print keeps them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

COLOURS = ("#14284B", "#F46A25", "#801650", "#0072B2")
"""In the order of use; lightness (CIE L*) 16, 61, 29 and 46, each at least 3 to 1 against white."""
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
GREY = "#5A5A5A"
DPI = 200
WIDTH = 6.3
"""Inches: the width of the text on A4."""

RC: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=LINES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.unicode_minus": True,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.figsize": (WIDTH, 3.6),
    "figure.titlesize": 10,
    "figure.titleweight": "bold",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "savefig.dpi": DPI,
    "text.hinting": "no_autohint",
    "xtick.color": GREY,
    "xtick.labelcolor": "black",
    "xtick.labelsize": 8.5,
    "ytick.color": GREY,
    "ytick.labelcolor": "black",
    "ytick.labelsize": 8.5,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this to draw in the report's style, whatever the reader's own settings are.

    Examples
    --------
    >>> with style():
    ...     canvas, axes = blank()
    >>> canvas.get_size_inches().tolist()
    [6.3, 3.6]
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


def blank(*, height: float = 3.6, rows: int = 1, columns: int = 1, **subplots: Any) -> tuple[Canvas, Any]:
    """A figure as wide as the page's text and its axes, outside pyplot, so that nothing is left open.

    Parameters
    ----------
    height : float
        Inches.
    rows, columns : int
        Panels; with more than one the second value is an array of Axes, as of ``Figure.subplots``.
    **subplots
        Handed on to ``Figure.subplots`` (``sharex``, ``width_ratios``, …).
    """
    canvas = Canvas(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(canvas)
    return canvas, canvas.subplots(rows, columns, **subplots)


def png(canvas: Canvas) -> bytes:
    """The figure as PNG at 200 dots per inch; no clock and no version in it."""
    buffer = io.BytesIO()
    with style():
        FigureCanvasAgg(canvas)
        canvas.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None}, facecolor="white")
    return buffer.getvalue()
