"""A real programme through the whole house: the Rossi data as linked tables, and the published numbers on them."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import impact as im
from impact.cli import run
from impact.records import Linked
from impact.report.analysis import Compared
from impact.report.chapter import Chapter
from tests.real import rossi

WEEKS = 364
SCALE = "assessment:prison_record:"


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rossi.write(shared, tmp_path_factory.mktemp("rossi"))


@pytest.fixture(scope="module")
def definitions(root: Path) -> Path:
    return root / "tests" / "real" / "definitions"


@pytest.fixture(scope="module")
def linked(folder: Path, definitions: Path) -> Linked:
    return im.read_linked(folder, definitions=definitions)


@pytest.fixture(scope="module")
def chapter(linked: Linked) -> Chapter:
    return im.chapter("financial_aid", linked, follow_up=WEEKS, waiting=0, unplanned=True)


def test_the_published_cox_model_comes_out_of_the_linked_tables(chapter: Chapter) -> None:
    people = chapter.cohort.data.rename(
        columns={
            "treated": "fin",
            f"{SCALE}work_experience": "wexp",
            f"{SCALE}married": "mar",
            f"{SCALE}parole": "paro",
        }
    )
    people["prio"] = people["previous_offences"]
    people["race"] = (people["ethnicity"] == "black").astype(int)
    people["age"] = np.floor(people["age"] + 0.01)
    model = im.cox(people, "duration", "event", ["fin", "age", "race", "wexp", "mar", "paro", "prio"])
    table = model.tidy().set_index("term")
    assert (model.n, model.n_events) == (432, 114)
    assert model.log_likelihood == pytest.approx(-658.75, abs=0.005)
    published = {"fin": (-0.379, 0.191), "age": (-0.057, 0.022), "prio": (0.091, 0.029)}
    for term, (estimate, std_error) in published.items():
        assert table.loc[term, "estimate"] == pytest.approx(estimate, abs=0.0005)
        assert table.loc[term, "std_error"] == pytest.approx(std_error, abs=0.0005)


def test_the_tables_hold_what_the_file_holds(shared: Path, chapter: Chapter) -> None:
    data = rossi.read(shared).set_index("person_id")
    people = chapter.cohort.data.set_index("person_id")
    assert (people["treated"] == data["fin"]).all()
    assert (people["event"] == data["arrest"]).all()
    assert (people["duration"] == 7 * data["week"]).all()
    assert (people["previous_offences"] == data["prio"]).all()
    assert (np.floor(people["age"] + 0.01) == data["age"]).all()


def test_the_chapter_compares_the_two_groups_as_randomised(shared: Path, chapter: Chapter) -> None:
    data = rossi.read(shared)
    rates = data.groupby("fin")["arrest"].mean()
    compared = chapter.comparison
    assert isinstance(compared, Compared)
    effect = compared.reoffending[0].effect
    assert effect.estimate == pytest.approx(rates[1] - rates[0], abs=1e-12)
    assert (effect.n_treated, effect.n_comparison) == (216, 216)
    assert compared.design.estimand == "ATE"
    assert chapter.verdicts[0].maryland_level == 5
    flow = chapter.cohort.flow.set_index("step")
    assert flow.loc["follow-up complete", ["treated", "comparison"]].tolist() == [216, 216]


def test_the_curves_are_those_of_the_file(shared: Path, chapter: Chapter) -> None:
    data = rossi.read(shared)
    compared = chapter.comparison
    assert isinstance(compared, Compared)
    survived = compared.curves.at([WEEKS]).set_index("group")["estimate"]
    for fin, rate in data.groupby("fin")["arrest"].mean().items():
        assert survived[fin] == pytest.approx(1 - rate, abs=1e-12)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.images: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs).get("alt") or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_command_writes_the_chapter(folder: Path, definitions: Path, tmp_path: Path) -> None:
    arguments = ["chapter", "financial_aid", "--data", str(folder), "--out", str(tmp_path), "--unplanned"]
    arguments += ["--definitions", str(definitions), "--follow-up", str(WEEKS), "--waiting", "0"]
    assert run(arguments) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "financial_aid.docx",
        "financial_aid.html",
        "financial_aid.pdf",
        "financial_aid_outputs.csv",
        "financial_aid_reporting.csv",
    ]
    page = _Reader()
    page.feed((tmp_path / "financial_aid.html").read_text(encoding="utf-8"))
    text = " ".join(" ".join(page.words).split())
    assert "decided by lot" in text
    assert "synthetic" not in text
    assert len(page.images) == 3
    assert all(len(alt.split()) > 5 for alt in page.images)


def test_nobody_is_lost_between_file_and_tables(linked: Linked, shared: Path) -> None:
    data = rossi.read(shared)
    assert len(linked.table("person")) == len(data) == 432
    assert len(linked.table("offence")) == data["prio"].sum() + data["arrest"].sum()
    assert pd.Series(linked.table("participation")["person_id"]).nunique() == data["fin"].sum()
