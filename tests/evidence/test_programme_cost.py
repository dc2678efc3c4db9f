"""The cost file: dated, sourced, verified and in one year's pounds, or refused with every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from impact.errors import DefinitionError
from impact.evidence.programme_cost import read_cost

TEXT = """
programme = "dwp"
amount = 180_000
price_year = "2015/16"
participants = 120
completers = 80
source = "Accounts of the programme, 2016"
evidence = "read at the source"

[offences]
"robbery" = 0.25
"violence with injury" = 0.75
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "dwp.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_cost_is_read_with_the_mean_cost_of_its_offences(tmp_path: Path) -> None:
    cost = read_cost(written(tmp_path, TEXT))
    assert (cost.amount, cost.participants, cost.completers, cost.price_year) == (180_000, 120, 80, "2015/16")
    assert cost.offence is not None
    assert cost.offence.amount == pytest.approx(0.25 * 11_320 + 0.75 * 14_050)
    assert "£180,000 for dwp, in 2015/16 prices (read at the source: Accounts of the programme, 2016)" in repr(cost)
    plain = read_cost(written(tmp_path, TEXT.partition("[offences]")[0].replace("completers = 80", "")))
    assert plain.offence is None
    assert plain.completers is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('price_year = "2015/16"\n', "", "key price_year is missing"),
        ('"2015/16"', '"last year"', "key price_year is no year\n    Why it matters: a cost without a date"),
        ("180_000", "0", "key amount is outside its limits"),
        ("180_000", "nan", "key amount is no finite number"),
        ("participants = 120", "participants = 9", "key participants is below 10"),
        ("completers = 80", "completers = 121", "key completers is above participants"),
        ('source = "Accounts of the programme, 2016"\n', "", "key source is missing"),
        ('"read at the source"', '"not verified"', "not verified must not stand in a chapter"),
        ('"robbery" = 0.25', '"domestic burglary" = 0.25', "'domestic burglary' that is not verified"),
        ('"robbery" = 0.25', '"robbery" = 0.5', "not 0 or more and 1 together"),
        ('"robbery" = 0.25', '"shop theft" = 0.25', "has no offence 'shop theft'"),
        ('"2015/16"', '"2022/23"', "is 2022/23, and the unit costs are in prices of 2015/16"),
        ("[offences]", 'deflator = "gdp.csv"\n[offences]', "gdp.csv cannot be read as CSV"),
        ("[offences]", 'unit_costs = "mine.csv"\n[offences]', "mine.csv cannot be read as CSV"),
        ("completers", "finishers", "key finishers is unknown"),
    ],
)
def test_what_a_cost_must_not_be(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(DefinitionError) as refused:
        read_cost(written(tmp_path, TEXT.replace(old, new, 1)))
    assert message in str(refused.value)


def test_every_mistake_at_once(tmp_path: Path) -> None:
    bad = TEXT.replace("180_000", "0").replace('"2015/16"', '"soon"').replace("= 120", "= 3")
    with pytest.raises(DefinitionError) as refused:
        read_cost(written(tmp_path, bad))
    assert [fault.problem.split()[1] for fault in refused.value.faults][:3] == ["amount", "participants", "price_year"]


def test_unit_costs_of_ones_own_and_another_year(tmp_path: Path) -> None:
    (tmp_path / "gdp.csv").write_text("year,index,source\n2015/16,80,made up\n2022/23,100,made up\n")
    text = TEXT.replace('price_year = "2015/16"', 'price_year = "2022/23"').replace(
        "[offences]", 'deflator = "gdp.csv"\n[offences]'
    )
    cost = read_cost(written(tmp_path, text))
    assert cost.offence is not None
    assert cost.offence.amount == pytest.approx((0.25 * 11_320 + 0.75 * 14_050) / 0.8)
    (tmp_path / "mine.csv").write_text(
        "offence,offence_group,amount,price_year,source,evidence\n"
        "robbery,robbery,100,2016,made up,read at the source\n"
        "violence with injury,violence,200,,made up,read at the source\n"
    )
    text = TEXT.replace("[offences]", 'unit_costs = "mine.csv"\n[offences]')
    with pytest.raises(DefinitionError, match="column price_year: is missing, or is no year"):
        read_cost(written(tmp_path, text))


def test_a_cost_that_is_no_toml_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"must end in \.toml"):
        read_cost("dwp")
    with pytest.raises(DefinitionError, match=r"cost file dwp\.toml cannot be read"):
        read_cost(tmp_path / "dwp.toml")
