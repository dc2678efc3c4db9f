"""Encodings of similar people are similar, of different people not, and say nothing without the key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact.errors import InputError
from impact.records.linkage.bloom import BLOCKS, SIZE, dice, encode, unpacked
from tests.records.linkage.conftest import people


@pytest.fixture
def key(tmp_path: Path) -> Path:
    place = tmp_path / "key"
    place.write_text("zq-secret-0123456789-abcdef")
    return place


def test_true_pairs_are_found_by_similarity_alone(key: Path) -> None:
    left, right, truth = people(300)
    one, two = encode(left, key=key), encode(right, key=key)
    a, b = np.repeat(np.arange(300), 300), np.tile(np.arange(300), 300)
    similar = dice(unpacked(one["encoding"]), unpacked(two["encoding"]), a, b)
    chosen = similar >= 0.8
    found = pd.DataFrame({"left_id": one["record_id"][a[chosen]].array, "right_id": two["record_id"][b[chosen]].array})
    right_ones = len(found.merge(truth))
    assert right_ones / len(found) > 0.98
    assert right_ones / len(truth) > 0.8
    blocked = np.zeros(len(a), dtype=bool)
    for name in BLOCKS:
        x, y = one[name].to_numpy()[a], two[name].to_numpy()[b]
        blocked |= (x == y) & (x != "")
    true = pd.MultiIndex.from_frame(truth)
    pairs = pd.MultiIndex.from_arrays([one["record_id"].to_numpy()[a], two["record_id"].to_numpy()[b]])
    assert blocked[pairs.isin(true)].mean() > 0.95
    assert blocked.mean() < 0.05


def test_dice_against_counting_bits_one_by_one(key: Path) -> None:
    rows = unpacked(encode(people(12)[0], key=key)["encoding"])
    bits = np.unpackbits(rows, axis=1).astype(bool)
    a, b = np.arange(12), np.arange(12)[::-1]
    slow = [2 * (bits[i] & bits[j]).sum() / (bits[i].sum() + bits[j].sum()) for i, j in zip(a, b, strict=True)]
    assert np.allclose(dice(rows, rows, a, b), slow, rtol=1e-14)
    assert (dice(np.zeros((1, SIZE // 8), np.uint8), rows, np.array([0]), np.array([0])) == 0).all()


def test_another_key_makes_them_strangers_and_nothing_is_readable(key: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("another-secret-0123456789")
    frame = people(100)[0]
    one, two = encode(frame, key=key), encode(frame, key=other)
    at = np.arange(100)
    assert dice(unpacked(one["encoding"]), unpacked(two["encoding"]), at, at).max() < 0.7
    assert not (one[list(BLOCKS)].to_numpy() == two[list(BLOCKS)].to_numpy()).any()
    assert not any(name in one.to_csv() for name in frame["surname"])


def test_what_cannot_be_encoded_is_refused(key: Path) -> None:
    frame = people(5)[0]
    for change in ({"fields": ["email"]}, {"fields": {"surname": "nowhere"}}, {"id": "nowhere"}, {"id": "sex"}):
        with pytest.raises(InputError):
            encode(frame, key=key, **change)  # type: ignore[arg-type]
    twice = pd.concat([frame, frame[["surname"]]], axis=1)
    with pytest.raises(InputError, match="column surname: stands more than once"):
        encode(twice, key=key, fields=["surname", "sex"])
    with pytest.raises(InputError, match="hexadecimal"):
        unpacked(pd.Series(["zq"]))
