"""Definition files: those shipped are whole and honest, and a wrong one is refused with every mistake at once."""

from __future__ import annotations

import dataclasses

import pytest

from impact.cohort import programme, programmes
from impact.errors import DefinitionError

SHIPPED = (
    "beacon",
    "dwp",
    "magistra",
    "mals",
    "mentors_in_violence_prevention",
    "moms",
    "navigator",
    "pops",
    "red_umbrella",
    "shelter",
    "time_matters",
    "weapons_down_gloves_up",
)
NEVER_OFFENDING = {"time_matters", "mentors_in_violence_prevention", "beacon", "red_umbrella"}


def test_every_programme_of_the_partnership_is_defined():
    assert tuple(programmes()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_definition_is_whole(name):
    found = programme(name)
    assert found.name == name
    assert found.sources
    assert found.unknown
    assert found.reoffending == (name not in NEVER_OFFENDING)
    assert found.time_zero.rule in ("release", "referral", "sentence")
    for part in dataclasses.astuple(found.logic_model):
        assert part
    if not found.reoffending:
        assert found.comparison.kind == "none"
        assert not any("offending" in outcome.lower() for outcome in (*found.primary, *found.secondary))
    for instrument in found.instruments:
        assert instrument.reliability is None, "no source in the domain facts gives one for these instruments"


def test_facts_of_the_sources():
    star = programme("pops").instrument("homelessness_star")
    assert len(star.scales) == 10
    assert (star.low, star.high, star.better) == (1, 10, "higher")
    assert "no descriptor" in star.note
    assert programme("moms").eligibility.sex == ("male",)
    assert programme("moms").eligibility.age_high == 29
    assert len(programme("moms").pathways) == 7
    assert programme("magistra").eligibility.age_high == 30
    assert len(programme("magistra").interventions) == 6
    assert (programme("time_matters").eligibility.age_low, programme("time_matters").eligibility.age_high) == (2, 20)
    assert programme("pops").instrument("probation_needs").better == "lower"


def test_a_programme_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        programme("pops").title = "another"


def test_an_unknown_name_lists_the_known():
    with pytest.raises(DefinitionError, match="time_matters"):
        programme("no_such_programme")


def test_a_further_folder_of_definitions(tmp_path):
    text = programmes()["shelter"].read_text(encoding="utf-8")
    (tmp_path / "homes.toml").write_text(text, encoding="utf-8")
    assert programme("homes", definitions=tmp_path).name == "homes"
    assert programme(tmp_path / "homes.toml").name == "homes"
    assert programme("homes", definitions={"homes": tmp_path / "homes.toml"}).title == programme("shelter").title
    (tmp_path / "shelter.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match="Defined both"):
        programmes(tmp_path)


WRONG = [
    ('title = "Shelter"', "", "key title is missing"),
    ("reoffending = true", 'reoffending = "yes"', "key reoffending is not true or false"),
    ("age_low = 18", "age_low = 40", "age_high is below age_low"),
    ("[eligibility]", "[eligibility]\nshoe_size = 9", "key shoe_size is unknown"),
    ("ratio = 5", "ratio = 0", "key ratio is below 1"),
    ('rule = "referral"', 'rule = "completion"', "key rule is none of the allowed words"),
    ('    "imd_decile",', '    "shoe_size",', "key covariates holds unknown words: shoe_size"),
    ('    "health",', '    "luck",', "key pathways holds unknown words: luck"),
    ("high = 10", "high = -1", "key high is not above low"),
]


def test_every_mistake_at_once(tmp_path):
    text = programmes()["shelter"].read_text(encoding="utf-8")
    for right, wrong, _ in WRONG:
        assert right in text
        text = text.replace(right, wrong, 1)
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        programme(tmp_path / "wrong.toml")
    assert len(caught.value.faults) == len(WRONG)
    for _, _, words in WRONG:
        assert words in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("content", [b"title = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml(tmp_path, content):
    (tmp_path / "wrong.toml").write_bytes(content)
    with pytest.raises(DefinitionError, match="not TOML"):
        programme(tmp_path / "wrong.toml")


def test_a_reading_as_covariate_must_be_one_of_the_instruments(tmp_path):
    text = programmes()["shelter"].read_text(encoding="utf-8")
    for scale, faults in (("total", 0), ("other", 1)):
        path = tmp_path / f"{scale}.toml"
        path.write_text(text.replace('"imd_decile",', f'"assessment:tenancy_confidence:{scale}",'), encoding="utf-8")
        if faults:
            with pytest.raises(DefinitionError, match="tenancy_confidence:other"):
                programme(path)
        else:
            assert "assessment:tenancy_confidence:total" in programme(path).comparison.covariates
