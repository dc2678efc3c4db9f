"""Encodings are linked without the key, as well as their bits allow, and never across keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.errors import InputError
from impact.records.linkage import encoded
from impact.records.linkage.bloom import dice, encode, unpacked
from impact.records.linkage.link import link
from tests.records.linkage.conftest import people
from tests.records.linkage.test_link import true_pairs


@pytest.fixture
def key(tmp_path: Path) -> Path:
    place = tmp_path / "key"
    place.write_text("zq-secret-0123456789-abcdef")
    return place


def test_most_are_found_without_the_key_and_few_are_false(key: Path) -> None:
    left, right, truth = people(1200)
    links = link(encode(left, key=key), encode(right, key=key), one_to_one=True)
    counted = links.quality(truth, thresholds=[0.9]).iloc[0]
    assert counted["precision"] > 0.995
    assert counted["recall"] > 0.9
    assert any("fixed values" in note for note in links.notes)
    again = link(
        encode(left, key=key).iloc[::-1], encode(right, key=key).sample(frac=1, random_state=3), one_to_one=True
    )
    pd.testing.assert_frame_equal(again.pairs, links.pairs)
    pair = links.tidy().iloc[0]
    steps = links.waterfall(pair["left_id"], pair["right_id"])
    assert steps["total"].iloc[-1] == pytest.approx(pair["match_weight"])


def test_levels_are_those_of_the_dice_coefficient(key: Path) -> None:
    left = encode(people(200)[0], key=key)
    links = link(left, threshold=0.01)
    bits = unpacked(left["encoding"])
    place = {number: at for at, number in enumerate(left["record_id"])}
    a, b = (np.array([place[x] for x in links.pairs[end]], dtype=np.int64) for end in ("left_id", "right_id"))
    alike = dice(bits, bits, a, b)
    steps = np.log2(np.array(encoded._M) / np.array(encoded._U))
    floors = [*encoded.FLOORS, 0.0]
    want = [steps[next(k for k, floor in enumerate(floors) if value >= floor)] for value in alike]
    spread = links.pairs["match_weight"].to_numpy() - np.array(want)
    assert len(spread) > 0
    assert np.ptp(spread) < 1e-9


def test_samples_of_bits_bring_true_pairs_together(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right, truth = people(1500)
    one, two = encode(left, key=key), encode(right, key=key)
    whole = link(one, two, one_to_one=True).tidy()
    monkeypatch.setattr(encoded, "EVERY_PAIR", 1_000)
    few = link(one, two, one_to_one=True).tidy()
    same = whole.merge(few, on=["left_id", "right_id"])
    assert len(same) >= 0.97 * len(whole)
    assert len(few.merge(truth)) / len(few) > 0.995
    no_blocks = dict.fromkeys(encoded.BLOCKS, "")
    bare = link(one.assign(**no_blocks), two.assign(**no_blocks), one_to_one=True).tidy()
    assert len(bare.merge(truth)) > 0.8 * len(whole.merge(truth))
    alone = link(pd.concat([one, two]))
    assert len(alone.tidy().merge(truth)) > 0.8 * len(truth)


def test_no_key_another_key_and_another_engine_are_refused(key: Path, tmp_path: Path) -> None:
    left, right, _ = people(20)
    other = tmp_path / "other"
    other.write_text("another-secret-0123456789")
    one = encode(left, key=key)
    with pytest.raises(InputError, match="different keys or fields"):
        link(one, encode(right, key=other))
    with pytest.raises(InputError, match="different keys or fields"):
        link(one, encode(right, key=key, fields=["forename", "surname"]))
    with pytest.raises(InputError, match="different keys or fields"):
        link(pd.concat([one, encode(right, key=other)]))
    with pytest.raises(InputError, match="lack encoding, scheme"):
        link(one, right)
    with pytest.raises(InputError, match="hexadecimal"):
        link(one.assign(encoding="zq"))
    with pytest.raises(InputError, match="in memory"):
        link(one, one, engine="spark")
    with pytest.raises(TypeError, match="key"):
        encode(left)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="cannot be read"):
        encode(left, key=tmp_path / "nowhere")


def test_a_file_of_one_record_holds_no_pair(key: Path) -> None:
    made = link(encode(people(1)[0], key=key))
    assert made.pairs.empty
    assert len(made.clusters) == 1


FEBRL = {"forename": "given_name", "surname": "surname", "birth_date": "date_of_birth", "postcode": "postcode"}
FAKE = {"forename": "first_name", "surname": "surname", "birth_date": "dob"}


@pytest.mark.parametrize(
    ("file", "number", "fields", "precision", "recall"),
    [
        ("febrl_dataset1.csv", "rec_id", FEBRL, 0.999, 0.77),
        ("splink_fake_1000.csv", "unique_id", FAKE, 0.99, 0.38),
    ],
)
def test_what_is_found_of_made_up_records_in_public_files(
    shared: Path, key: Path, file: str, number: str, fields: dict[str, str], precision: float, recall: float
) -> None:
    place = shared / "data" / "linkage" / file
    if not place.is_file():
        pytest.skip(f"{file} is not on this machine")
    data = pd.read_csv(place, dtype=str, skipinitialspace=True)
    label = data["cluster"] if "cluster" in data else data[number].str.split("-").str[1]
    links = link(encode(data, key=key, id=number, fields=fields), id=number)
    counted = links.quality(true_pairs(data[number], label), thresholds=[0.9]).iloc[0]
    assert counted["precision"] >= precision
    assert counted["recall"] >= recall
