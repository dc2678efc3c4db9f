"""Made-up people, episodes and referrals, and a count of them person by person and day by day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from impact.records.returns.counts import Period

FIRST = dt.date(2022, 12, 1)
QUARTERS = [
    Period(f"2023-Q{q}", pd.Timestamp(2023, 3 * q - 2, 1), pd.Timestamp(2023, 3 * q, 30 + (q in (1, 4))))
    for q in range(1, 5)
]
YEAR = [Period("", pd.Timestamp(2023, 1, 1), pd.Timestamp(2023, 12, 31))]
BANDS = (0, 5, 11, 16, 18, 26)
EDGES = [
    edge + dt.timedelta(days=step)
    for quarter in QUARTERS
    for edge in (quarter.first.date(), quarter.last.date())
    for step in (-1, 0, 1)
]
"""The days around which counts go wrong: the first and last of each quarter, and those beside them."""
DAY = st.sampled_from(EDGES) | st.integers(0, 450).map(lambda n: FIRST + dt.timedelta(days=n))
DISTRICT = {"Hill": "Sefton", "Shore": "Sefton", "Park": "Wirral", None: None}
"""Each ward and its district; a person without a small area has neither."""
WHO, WHERE = st.sampled_from("abcdef"), st.sampled_from(["one", "two"])


@st.composite
def records(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    people = [
        (who, draw(st.sampled_from(["female", "male"])), draw(st.sampled_from(["white", "black", None])), ward,
         DISTRICT[ward], born)
        for who, ward, born in zip(
            "abcdef",
            draw(st.lists(st.sampled_from([*DISTRICT]), min_size=6, max_size=6)),
            draw(st.lists(st.dates(dt.date(1995, 1, 1), dt.date(2022, 1, 1)) | st.none(), min_size=6, max_size=6)),
            strict=True,
        )
    ]  # fmt: skip
    episodes = [
        (who, where, day, None if end is None else max(day, end))
        for who, where, day, end in draw(st.lists(st.tuples(WHO, WHERE, DAY, DAY | st.none()), max_size=12))
    ]
    referrals = [
        (who, where, day, "waiting" if length is None else "accepted",
         None if length in (None, 61) else day + dt.timedelta(days=length))
        for who, where, day, length in draw(
            st.lists(st.tuples(WHO, WHERE, DAY, st.integers(0, 61) | st.none()), max_size=12)
        )
    ]  # fmt: skip
    frames = (
        pd.DataFrame(people, columns=["person_id", "sex", "ethnicity", "ward", "district", "born"]),
        pd.DataFrame(episodes, columns=["person_id", "programme", "started_on", "ended_on"]),
        pd.DataFrame(referrals, columns=["person_id", "programme", "referred_on", "decision", "decided_on"]),
    )
    dates = [["born"], ["started_on", "ended_on"], ["referred_on", "decided_on"]]
    made = [f.assign(**{d: pd.to_datetime(f[d]) for d in names}) for f, names in zip(frames, dates, strict=True)]
    return made[0], made[1], made[2]


def slowly(made: tuple[pd.DataFrame, ...], period: Period, wanted: dict[str, Any]) -> dict[str, int]:
    """Person by person and day by day, with sets."""
    people = {row.person_id: row for row in made[0].itertuples()}

    def counted(row: Any) -> bool:
        who, last = people[row.person_id], period.last
        band = "unknown"
        if not pd.isna(who.born):
            age = last.year - who.born.year - ((last.month, last.day) < (who.born.month, who.born.day))
            low = max(edge for edge in BANDS if edge <= age)
            band = {0: "00 to 04", 5: "05 to 10", 11: "11 to 15", 16: "16 to 17", 18: "18 to 25"}.get(
                low, "26 and over"
            )
        is_ = {"programme": row.programme, "sex": who.sex, "age_band": band}
        for name in ("ethnicity", "ward", "district"):
            held = getattr(who, name)
            is_[name] = "unknown" if pd.isna(held) else held
        return all(is_[name] == value for name, value in wanted.items())

    episodes = [row for row in made[1].itertuples() if counted(row)]
    referrals = [row for row in made[2].itertuples() if counted(row)]

    def on(day: pd.Timestamp) -> set[str]:
        return {r.person_id for r in episodes if r.started_on <= day and (pd.isna(r.ended_on) or r.ended_on > day)}

    served = set()
    for day in pd.date_range(period.first, period.last):
        served |= {r.person_id for r in episodes if r.started_on <= day and (pd.isna(r.ended_on) or r.ended_on >= day)}
    start, end = on(period.first - pd.Timedelta(days=1)), on(period.last)
    referred = [r.person_id for r in referrals if period.first <= r.referred_on <= period.last]
    waiting = {
        r.person_id
        for r in referrals
        if r.referred_on <= period.last
        and (r.decision == "waiting" or (not pd.isna(r.decided_on) and r.decided_on > period.last))
    }
    return {
        "unique_people": len(served | set(referred)),
        "new_referrals": len(referred),
        "caseload_at_start": len(start),
        "new_on_caseload": len(served - start),
        "caseload": len(served),
        "closed": len(served - end),
        "caseload_at_end": len(end),
        "waiting": len(waiting),
    }
