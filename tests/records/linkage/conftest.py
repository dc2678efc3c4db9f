"""Made-up people who stand in two files, the second typed with errors, and who is truly whom."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

FIELDS = ("forename", "surname", "birth_date", "sex", "postcode", "police_id")
SYLLABLES = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wa", "zel")


def people(n: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Two files of n records, of whom four in five of the left are in the right, and the true pairs."""
    rng = np.random.default_rng(seed)
    common = ["robert", "william", "kate", "james", "elizabeth", "daniel", "sarah", "michael"]

    def word(k: int) -> str:
        return "".join(rng.choice(SYLLABLES, k))

    total = n + n // 5
    left = pd.DataFrame(
        {
            "forename": [rng.choice(common) if rng.random() < 0.4 else word(2) for _ in range(total)],
            "surname": [word(3) for _ in range(total)],
            "birth_date": pd.to_datetime(rng.integers(3_000, 13_000, total), unit="D").strftime("%Y-%m-%d"),
            "sex": rng.choice(["male", "female"], total, p=[0.8, 0.2]),
            "postcode": [
                f"L{rng.integers(1, 38)} {rng.integers(1, 9)}{rng.choice(list('AB'))}{rng.choice(list('DEJ'))}"
                for _ in range(total)
            ],
            "police_id": [f"{rng.integers(80, 99)}/{number:07d}X" for number in rng.permutation(total)],
        }
    )  # fmt: skip
    right = left.copy()
    short = {"robert": "Bob", "william": "Billy", "kate": "Katherine", "michael": "Mick", "elizabeth": "Liz"}
    for row in range(total):
        draw = rng.random(6)
        if draw[0] < 0.15:
            right.loc[row, "forename"] = short.get(left.loc[row, "forename"], left.loc[row, "forename"].upper())
        if draw[1] < 0.04:
            right.loc[row, ["forename", "surname"]] = left.loc[row, ["surname", "forename"]].to_list()
        elif draw[1] < 0.12:
            surname = left.loc[row, "surname"]
            right.loc[row, "surname"] = surname[:2] + "x" + surname[3:]
        year, month, day = left.loc[row, "birth_date"].split("-")
        if draw[2] < 0.05 and int(day) <= 12:
            right.loc[row, "birth_date"] = f"{year}-{day}-{month}"
        elif draw[2] < 0.08:
            right.loc[row, "birth_date"] = f"{year[:3]}{(int(year[3]) + 1) % 10}-{month}-{day}"
        if draw[3] < 0.3:
            right.loc[row, "postcode"] = "CH41 2AB"
        if draw[4] < 0.6:
            right.loc[row, "police_id"] = None
    left, right = left.iloc[:n], right.iloc[n // 5 :]
    left = left.assign(record_id=[f"a{row:06d}" for row in left.index])
    right = right.assign(record_id=[f"b{row:06d}" for row in right.index])
    both = left.index.intersection(right.index)
    truth = pd.DataFrame({"left_id": left.loc[both, "record_id"], "right_id": right.loc[both, "record_id"]})
    shuffled = right.sample(frac=1, random_state=seed)
    return left.reset_index(drop=True), shuffled.reset_index(drop=True), truth.reset_index(drop=True)


@pytest.fixture(scope="session")
def two_files() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return people(1200)
