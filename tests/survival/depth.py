"""The models whose tests, residuals and predictions R has stored (tests/reference/survival/make_reference_depth.R)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from impact.survival.cox import cox
from impact.survival.models.cox_model import Cox

STORE = Path(__file__).resolve().parents[1] / "reference" / "survival"
VETERAN = {"covariates": ["trt", "celltype", "karno"]}
STRATA = {"covariates": ["age", "karno"], "strata": "celltype"}
WEIGHTED = {"covariates": ["age", "trt"], "weights": "w"}
ENTERED = {"duration": "stop", "event": "event", "entry": "start"}

MODELS: dict[str, dict[str, Any]] = {
    "ovarian": {"covariates": ["age", "rx", "ecog"]},
    "ovarian_offset": {"covariates": ["age", "rx"], "offset": "off"},
    "veteran": VETERAN,
    "veteran_offset_breslow": {**VETERAN, "offset": "off", "ties": "breslow"},
    "veteran_strata": STRATA,
    "veteran_all": {**STRATA, "entry": "late", "offset": "off", "weights": "w", "cluster": "pair"},
    "veteran_naive": {**STRATA, "entry": "late", "offset": "off", "weights": "w", "robust": False},
    "veteran_weights": WEIGHTED,
    "veteran_weights_breslow": {**WEIGHTED, "ties": "breslow"},
    "veteran_whole": {"covariates": ["age", "trt"], "weights": "k"},
    "heart": {**ENTERED, "covariates": ["age", "year", "surgery", "transplant"]},
    "heart_cluster": {**ENTERED, "covariates": ["age", "year", "transplant"], "strata": "surgery", "cluster": "id"},
    "test1": {"covariates": ["x"]},
    "test1_breslow": {"covariates": ["x"], "ties": "breslow"},
    "test2": {**ENTERED, "covariates": ["x"]},
    "weighted1": {"covariates": ["x"], "weights": "w"},
    "weighted1_breslow": {"covariates": ["x"], "weights": "w", "ties": "breslow", "robust": True},
    "lung": {"covariates": ["sex", "ecog"]},
    "lung_strata": {"covariates": ["age"], "strata": "sex"},
    "lung_all": {"covariates": ["age", "ecog"], "strata": "sex", "entry": "late", "weights": "w"},
    "lung_cluster": {"covariates": ["sex", "ecog"], "cluster": "pair"},
}
MODELS["weighted1"]["robust"] = True


def people(case: str) -> pd.DataFrame:
    """The data of a case, with the offset that the R script makes."""
    frame = pd.read_csv(STORE / f"{case.split('_')[0]}.csv")
    if "celltype" in frame:
        frame["celltype"] = pd.Categorical(frame["celltype"], ["squamous", "smallcell", "adeno", "large"])
    frame["off"] = (np.arange(1, len(frame) + 1) * 7) % 5 / 4 - 0.3
    return frame


def fitted(case: str, frame: pd.DataFrame | None = None) -> Cox:
    """The model of a case."""
    data = people(case) if frame is None else frame
    return cox(data, **{"duration": "time", "event": "status", **MODELS[case]})


def stored(name: str) -> pd.DataFrame:
    """A table of R's numbers."""
    return pd.read_csv(STORE / f"reference_{name}.csv", keep_default_na=False, na_values={"value": ["NA", "NaN"]})
