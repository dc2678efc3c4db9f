"""People are linked through errors, the same whatever the order of rows, with quality that can be believed."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact.errors import InputError
from impact.records.linkage.link import link
from impact.records.linkage.links import Links
from impact.records.spark import missing_for_spark
from tests.records.linkage.conftest import people

Files = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def links(two_files: Files) -> Links:
    return link(two_files[0], two_files[1], one_to_one=True)


def true_pairs(ids: pd.Series, label: pd.Series) -> pd.DataFrame:
    frame = pd.DataFrame({"left_id": ids, "right_id": ids, "label": label})
    both = frame[["left_id", "label"]].merge(frame[["right_id", "label"]], on="label")
    return both.loc[both["left_id"] < both["right_id"], ["left_id", "right_id"]]


def test_most_are_found_and_few_are_false(links: Links, two_files: Files) -> None:
    counted = links.quality(two_files[2], thresholds=[0.9]).iloc[0]
    assert counted["precision"] > 0.99
    assert counted["recall"] > 0.97


def test_the_estimated_quality_is_near_the_counted(links: Links, two_files: Files) -> None:
    expected, counted = links.quality(), links.quality(two_files[2])
    assert (expected["n_links"] == counted["n_links"]).all()
    assert np.allclose(expected["precision"], counted["precision"], atol=0.02)
    assert np.allclose(expected["recall"], counted["recall"], atol=0.05)


def test_the_order_of_rows_and_columns_changes_nothing(links: Links, two_files: Files) -> None:
    left, right, _ = two_files
    again = link(left.iloc[::-1, ::-1], right.sample(frac=1, random_state=9), one_to_one=True)
    pd.testing.assert_frame_equal(again.pairs, links.pairs)
    pd.testing.assert_frame_equal(again.clusters, links.clusters)
    assert repr(again) == repr(links)


def test_fifty_people_are_linked_with_fixed_parameters_and_it_is_said() -> None:
    left, right, truth = people(50, seed=3)
    links = link(left, right)
    assert any("fixed, not estimated" in note for note in links.notes)
    counted = links.quality(truth, thresholds=[0.9]).iloc[0]
    assert counted["precision"] > 0.95
    assert counted["recall"] > 0.9
    assert not links.model["estimated"].any()


def test_the_flow_adds_up(links: Links) -> None:
    n = links.flow.set_index("step")["n"]
    assert n["links by rule"] + n["links by the model"] == len(links.tidy())
    for side, end in (("left", "left_id"), ("right", "right_id")):
        assert n[f"records in the {side} file"] == 1200
        assert n[f"records of the {side} file linked"] == links.tidy()[end].nunique()
        assert n[f"records of the {side} file linked"] + n[f"records of the {side} file not linked"] == 1200
    assert n["people"] == 2400 - len(links.tidy())
    assert n["pairs for review"] == len(links.review)


def test_one_to_one_keeps_each_record_once(links: Links) -> None:
    for threshold in (0.01, 0.5, 0.9):
        chosen = links.at(threshold)
        assert chosen["left_id"].is_unique
        assert chosen["right_id"].is_unique


def test_a_waterfall_adds_up_to_the_weight_and_the_probability(links: Links) -> None:
    by_model = links.pairs[links.pairs["rule"] == ""]
    for row in by_model.iloc[:: max(len(by_model) // 20, 1)].itertuples():
        steps = links.waterfall(row.left_id, row.right_id)
        assert steps["total"].iloc[-1] == pytest.approx(row.match_weight, abs=1e-9)
        assert 1 / (1 + 2.0**-row.match_weight) == pytest.approx(row.match_probability, abs=1e-9)
    with pytest.raises(InputError, match="not among the pairs"):
        links.waterfall("nobody", "either")


def test_no_identifier_is_shown(links: Links, two_files: Files) -> None:
    shown = repr(links) + links.review.to_csv() + links.pairs.to_csv() + links.compared.to_csv()
    for column in ("surname", "birth_date", "postcode", "police_id"):
        assert not any(str(value) in shown for value in two_files[0][column].head(200))


def test_splink_says_nothing_and_its_logger_is_left_as_it_was(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = logging.getLogger("splink").level
    left, right, _ = people(600, seed=5)
    link(left, right)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("splink").level == before
    assert list(tmp_path.iterdir()) == []


def test_a_key_gives_pseudonyms(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text("zq-secret-0123456789-abcdef")
    left, right, _ = people(30, seed=4)
    plain, keyed = link(left, right), link(left, right, key=place)
    assert keyed.clusters["person_id"].str.fullmatch(r"P[0-9a-f]{24}").all()
    one, two = (pd.factorize(made.clusters["person_id"])[0] for made in (plain, keyed))
    assert (one == two).all()


def test_conflicting_police_numbers_are_not_joined_by_rule() -> None:
    one = pd.DataFrame(
        {"record_id": [1], "forename": "ann", "surname": "zel", "birth_date": "1990-01-02", "police_id": "95/1X"}
    )
    two = one.assign(police_id="96/2X")
    assert (link(one, two).pairs["rule"] == "").all()
    assert (link(one, one).pairs["rule"] != "").all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"threshold": 0}, "threshold"),
        ({"review": (0.9, 0.1)}, "review"),
        ({"engine": "abacus"}, "engine"),
        ({"fields": {"forename": "forename"}}, "Two fields"),
        ({"fields": {"shoe": "forename", "surname": "surname"}}, "shoe is no field"),
        ({"fields": {"forename": "nowhere", "surname": "surname"}}, "column nowhere: is not in the data"),
        ({"id": "sex"}, "repeats"),
    ],
)
def test_what_cannot_be_used_is_refused(change: dict[str, object], words: str) -> None:
    left, right, _ = people(20)
    with pytest.raises(InputError, match=words):
        link(left, right, **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one_to_one"):
        link(left, one_to_one=True)


def test_what_cannot_be_read_is_counted_and_said() -> None:
    left, right, _ = people(30, seed=4)
    right["birth_date"] = "1995-04-12"
    left.loc[:3, "birth_date"] = "12/04/95"
    left.loc[4, "birth_date"] = None
    right.loc[:1, "sex"] = "unknown"
    notes = link(left, right).notes
    assert [note for note in notes if "cannot be read" in note] == [
        "Records of the left file that hold something that cannot be read, or says that nothing is known: "
        "birth_date in 4; taken as missing.",
        "Records of the right file that hold something that cannot be read, or says that nothing is known: "
        "sex in 2; taken as missing.",
    ]


def test_the_flow_of_one_file_speaks_of_one_file() -> None:
    left = people(30, seed=4)[0]
    n = link(pd.concat([left, left.assign(record_id=left["record_id"] + "x").head(10)])).flow.set_index("step")["n"]
    assert n["records in the file"] == 40
    assert n["records of the file linked"] == 20
    assert n["records of the file not linked"] == 20
    assert n["people"] == 30
    assert not any("left" in step for step in n.index)


def test_a_police_number_with_nothing_to_support_it_is_called_so() -> None:
    frame = pd.DataFrame({"record_id": [1, 2], "police_id": ["95/1X", "96/2X"], "sex": ["m", "f"]})
    pairs = link(frame, frame).pairs
    assert pairs["rule"].tolist() == ["same police number, and neither name nor date of birth to support it"] * 2
    other = frame.assign(sex=["f", "m"])
    assert (link(frame, other).pairs["rule"] == "").all(), "of another sex: left to the model"
    bare = {"forename": None, "birth_date": None}
    assert (link(frame.assign(**bare), frame.assign(**bare)).pairs["rule"] == "").all(), "nothing known agrees"


def test_too_many_pairs_with_nothing_to_choose_by_are_refused() -> None:
    frame = pd.DataFrame({"record_id": range(2_100), "sex": "m", "place": "bootle"})
    with pytest.raises(InputError, match="2,203,950 pairs are too many"):
        link(frame)


def test_every_field_with_gaps_is_compared_between_linked_and_unlinked() -> None:
    left, right, _ = people(60, seed=4)
    left["address"] = [f"{row} Zed Street" if row % 3 else None for row in range(60)]
    right["address"] = "1 Zed Street"
    made = link(left, right)
    assert "address known" in set(made.compared["term"])
    linked = left["record_id"].isin(made.tidy()["left_id"]).to_numpy()
    row = made.compared.set_index("term").loc["address known"]
    known = left["address"].notna().to_numpy()
    assert row["mean_linked"] == pytest.approx(known[linked].mean())
    assert row["mean_unlinked"] == pytest.approx(known[~linked].mean())
    assert (row["n_linked"], row["n_unlinked"]) == (linked.sum(), (~linked).sum())
    spread = np.sqrt((known[linked].var(ddof=1) + known[~linked].var(ddof=1)) / 2)
    assert row["smd"] == pytest.approx((known[linked].mean() - known[~linked].mean()) / spread)


def test_a_difference_between_sides_that_are_each_alike_is_infinite_and_none_is_none() -> None:
    left, right, _ = people(40, seed=4)
    linked = left["record_id"].isin(link(left, right).tidy()["left_id"])
    for known, want in ((linked, np.inf), (~linked, -np.inf)):
        frame = left.assign(place=np.where(known, "bootle", None), sex="female")
        made = link(frame, right.assign(place="bootle", sex="female"))
        assert made.tidy()["left_id"].nunique() == linked.sum()
        table = made.compared.set_index("term")["smd"]
        assert table["place known"] == want
        assert table["sex[female]"] == 0


def test_a_field_that_only_one_file_has_is_said_not_to_be_compared() -> None:
    left, right, _ = people(20, seed=4)
    said = "Not compared, since only one of the files has a column of that name: postcode, email."
    assert said in link(left.assign(email=None), right.drop(columns="postcode")).notes
    assert not any("Not compared" in note for note in link(left, right).notes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda truth: truth.assign(left_id=range(len(truth))), r"records that are not in the files \("),
        (lambda truth: truth.rename(columns={"left_id": "right_id", "right_id": "left_id"}), "not in the files"),
        (lambda truth: truth[["left_id"]], "right_id is missing"),
    ],
)
def test_a_truth_that_could_not_be_found_is_refused(links: Links, two_files: Files, change: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        links.quality(change(two_files[2]))


def test_a_record_is_no_duplicate_of_itself() -> None:
    left = people(20, seed=4)[0]
    ids = left["record_id"]
    with pytest.raises(InputError, match="pairs a record with itself"):
        link(left).quality(pd.DataFrame({"left_id": ids, "right_id": ids}))


@pytest.mark.parametrize("thresholds", [[], [0.0], [0.5, 1.1], [float("nan")]])
def test_quality_at_what_is_no_threshold_is_refused(links: Links, thresholds: list[float]) -> None:
    with pytest.raises(InputError, match="threshold"):
        links.quality(thresholds=thresholds)


def test_a_pair_by_rule_that_the_model_did_not_score_has_no_waterfall(links: Links) -> None:
    pairs = links.pairs.copy()
    pairs.loc[0, "match_weight"] = np.nan
    bare = dataclasses.replace(links, pairs=pairs)
    with pytest.raises(InputError, match="accepted by a rule and not scored"):
        bare.waterfall(pairs["left_id"][0], pairs["right_id"][0])


def test_febrl(shared: Path) -> None:
    place = shared / "data" / "linkage" / "febrl_dataset1.csv"
    if not place.is_file():
        pytest.skip("the FEBRL file is not on this machine")
    data = pd.read_csv(place, dtype=str, skipinitialspace=True)
    fields = {"forename": "given_name", "surname": "surname", "birth_date": "date_of_birth", "postcode": "postcode"}
    links = link(data, id="rec_id", fields=fields | {"number": "soc_sec_id", "place": "suburb", "address": "address_1"})
    truth = true_pairs(data["rec_id"], data["rec_id"].str.split("-").str[1])
    assert len(truth) == 500
    assert links.quality(truth, thresholds=[0.9])["f1"].iloc[0] >= 0.99


def test_splinks_thousand_without_labels(shared: Path) -> None:
    place = shared / "data" / "linkage" / "splink_fake_1000.csv"
    if not place.is_file():
        pytest.skip("splink's file of a thousand records is not on this machine")
    data = pd.read_csv(place, dtype=str)
    fields = {"forename": "first_name", "surname": "surname", "birth_date": "dob", "place": "city", "email": "email"}
    links = link(data, id="unique_id", fields=fields)
    truth = true_pairs(data["unique_id"], data["cluster"])
    counted = links.quality(truth, thresholds=[0.5, links.threshold])
    assert (counted["f1"] >= [0.9, 0.85]).all()
    assert (counted["precision"] > [0.98, 0.995]).all()
    # Records joined through a third are of one person too: what an analyst uses are the clusters.
    joined = links.clusters
    found = true_pairs(joined["record_id"], joined["person_id"])
    right = len(found.merge(truth))
    assert 2 * right / (len(found) + len(truth)) >= 0.94


def same(one: Links, two: Links) -> None:
    """The pairs, whether they are links, their probabilities to nine digits, and the people are the same."""
    pd.testing.assert_frame_equal(two.pairs, one.pairs, check_dtype=False, rtol=1e-9)
    for part in ("clusters", "flow", "review", "compared", "model"):
        pd.testing.assert_frame_equal(getattr(two, part), getattr(one, part), check_dtype=False, rtol=1e-9)
    assert two.notes == one.notes


@pytest.mark.skipif(bool(missing_for_spark()), reason="Spark is not tried here")
def test_spark_gives_the_same_links() -> None:
    left, right, _ = people(200, seed=6)
    one, two = (link(left, right, one_to_one=True, engine=engine) for engine in ("duckdb", "spark"))
    assert len(one.tidy()) > 150
    same(one, two)


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_for_spark()), reason="Spark is not tried here")
def test_spark_gives_the_same_links_of_five_thousand() -> None:
    left, right, truth = people(5_000, seed=6)
    one, two = (link(left, right, one_to_one=True, engine=engine) for engine in ("duckdb", "spark"))
    same(one, two)
    assert one._model.estimated
    assert one.quality(truth, thresholds=[0.9])["recall"].iloc[0] > 0.97
