"""What `cox` returns: the fitted model, its tests, residuals and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impact.errors import InputError
from impact.frames import FloatArray, check_choice
from impact.results import Test, number, with_notes
from impact.survival.likelihoods import firth
from impact.survival.likelihoods.baseline import Baseline, baseline
from impact.survival.likelihoods.concordance import Concordance, concordance
from impact.survival.likelihoods.newton import Maximum
from impact.survival.likelihoods.partial import Sample, cumulative_hazard
from impact.survival.models.coefficient_tests import KINDS as TESTS
from impact.survival.models.coefficient_tests import CoefficientTests, Fit, run_test
from impact.survival.models.coefficients import coefficient_table, places_of, ratio_forest, ratio_lines
from impact.survival.models.predicted_curves import PredictedCurves, of_baseline
from impact.survival.models.proportional import ProportionalHazards, proportional_hazards
from impact.survival.models.residuals import KINDS, residual_table
from impact.survival.models.risk_scores import (
    REFERENCES,
    SCORES,
    expected_scores,
    last_seen,
    linear_scores,
    own_rows,
)
from impact.survival.numbers.limits import SURVIVAL_TYPES
from impact.survival.reading.covariates import Matrix
from impact.survival.reading.faults import read_times
from impact.survival.reading.new_rows import Reading, read_rows
from impact.survival.reading.outcome import Outcome
from impact.survival.riskset import at_risk, in_cells

if TYPE_CHECKING:
    from matplotlib.axes import Axes


ALONE = (
    "As if no other cause came first: the share to whom the cause happens is lower, and `cumulative_incidence` or"
    " `fine_gray` estimates it."
)


@dataclass(frozen=True, eq=False)
class Cox:
    """A fitted Cox model.

    Attributes
    ----------
    names : tuple of str
        The coefficients, in the order of `tidy`.
    coefficients : (p,) float
        Log hazard ratios.
    covariance, naive_covariance : DataFrame
        Of the coefficients; the second is the inverse information, the same as the first unless `robust`.
    df : (p,) float or None
        Degrees of freedom of robust intervals and p-values: the effective number of rows or clusters behind each
        coefficient. None where they are normal.
    log_likelihood, log_likelihood_null : float
        At the coefficients and at 0; with a penalty both carry it.
    n, n_events : int
        Rows and events used, uncounted by weights.
    cause : int or str or None
        The cause that is modelled, where events compete.
    robust : bool
        Whether the covariance is the robust one.
    ties, penalty, level, method : str, str or None, float, str
    notes : tuple of str
        Rows left out, and cautions.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    covariance: pd.DataFrame
    naive_covariance: pd.DataFrame
    df: FloatArray | None
    log_likelihood: float
    log_likelihood_null: float
    n: int
    n_events: int
    cause: int | str | None
    robust: bool
    ties: str
    penalty: str | None
    level: float
    method: str
    notes: tuple[str, ...]
    _data: Sample
    _found: Maximum
    _matrix: Matrix
    _outcome: Outcome
    _reading: Reading
    _index: pd.Index
    _clusters: pd.Series | None
    _independent: bool
    _top: firth.Penalised | None

    def tidy(self, exponentiate: bool = False) -> pd.DataFrame:
        """One row a coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        With `exponentiate` the estimate and its limits are hazard ratios; `std_error` stays that of the log. With
        Firth's penalty the statistic is the signed root of the penalised likelihood ratio, and the limits are those of
        the profile; otherwise they are Wald's, robust ones by Student's t with `df`.
        """
        profile = None
        if self._top is not None:
            statistic, low, high = self._profile
            profile = statistic, low / self._matrix.scale, high / self._matrix.scale
        spread = self.covariance.to_numpy()
        return coefficient_table(
            self.names,
            self.coefficients,
            spread,
            self.level,
            df=self.df,
            profile=profile,
            exponentiate=exponentiate,
        )

    @property
    def aic(self) -> float:
        """Akaike's criterion, −2 log-likelihood + 2 coefficients; it presumes rows that are independent people.

        Raises
        ------
        InputError
            With a penalty, whose likelihoods cannot be compared between models.
        """
        if self.penalty is not None:
            raise InputError("aic has no meaning with a penalty; fit without it, or compare terms by `test`.")
        return -2 * self.log_likelihood + 2 * len(self.names)

    @cached_property
    def tests(self) -> CoefficientTests:
        """The tests that every coefficient is 0: likelihood ratio, Wald, score and, where robust, the robust score.

        Each says in `valid` whether it holds. With clusters, with weights that are not whole numbers and with a Design
        only Wald's and the robust score test do; with Firth's penalty there are the penalised likelihood ratio and
        Wald's.
        """
        kinds = ["likelihood-ratio", "wald"] + (["score"] if self.penalty is None else [])
        kinds += ["robust-score"] if self.robust else []
        valid = tuple(kind in ("wald", "robust-score") or self._independent for kind in kinds)
        columns = tuple(range(len(self.names)))
        caution = "The likelihood ratio and the plain score test take rows for independent people, which these are not."
        notes = () if all(valid) else (caution,)
        return CoefficientTests(tuple(run_test(self._fit, kind, (), columns) for kind in kinds), valid, notes)

    def test(self, term: str | Sequence[str], kind: str = "wald") -> Test:
        """Test that all the coefficients of one covariate, or of several, are 0.

        Parameters
        ----------
        term : str or list of str
            Covariates as they were given to `cox` (a categorical one has several coefficients), or coefficients.
        kind : str
            ``"wald"`` (with the model's variance; where that is robust its p-value is F's, with `df`),
            ``"likelihood-ratio"`` (against the model without them; penalised with Firth's penalty), ``"score"`` (in
            that smaller model), ``"robust-score"``.

        Raises
        ------
        InputError
            For a likelihood ratio or plain score test where rows are not independent, and a score test with a penalty.
        """
        check_choice("kind", kind, TESTS)
        wanted, columns = places_of(term, self.names, self._matrix.terms)
        if not self._independent and kind in ("likelihood-ratio", "score"):
            raise InputError(
                f"A {kind} test takes rows for independent people; use kind='wald' or 'robust-score' with clusters,"
                " weights or a Design."
            )
        if self.penalty is not None and kind.endswith("score"):
            raise InputError("There is no score test with a penalty; use kind='likelihood-ratio' or 'wald'.")
        return run_test(self._fit, kind, wanted, columns)

    @property
    def _fit(self) -> Fit:
        covariance = self.covariance.to_numpy() * np.outer(self._matrix.scale, self._matrix.scale)
        return Fit(self._data, self._found, self._top, covariance, self.df, self._outcome.cluster)

    @cached_property
    def _profile(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        assert self._top is not None
        return firth.profile(self._data, self._top, self.level)

    @cached_property
    def _agreement(self) -> Concordance:
        outcome = self._outcome
        predictor = np.zeros(self.n) if self._data.offset is None else self._data.offset.copy()
        for beta, column in zip(self._found.point.beta, self._matrix.x, strict=True):
            predictor += beta * column
        return concordance(
            predictor,
            outcome.ranks.exit,
            outcome.event,
            entry=outcome.ranks.entry,
            strata=outcome.group,
            weights=outcome.weights,
            cluster=outcome.cluster,
        )

    @property
    def concordance(self) -> float:
        """Harrell's concordance of the linear predictor, within strata, weighted; ties count a half."""
        return self._agreement.estimate

    @property
    def concordance_std_error(self) -> float:
        """The standard error of the concordance: the infinitesimal jackknife, summed by cluster."""
        return self._agreement.std_error

    def residuals(self, kind: str = "martingale", *, collapse: bool = False) -> pd.Series | pd.DataFrame:
        """Residuals on the index of the data given; NaN for rows that were not used.

        Parameters
        ----------
        kind : str
            ``"martingale"`` (events less those expected) and ``"deviance"``: a Series. ``"score"``, ``"dfbeta"`` (the
            change of each coefficient when the row is left out, nearly; weighted), ``"dfbetas"`` (in naive standard
            errors), ``"schoenfeld"`` and ``"scaled-schoenfeld"`` (NaN for rows without the event): a DataFrame with a
            column for each coefficient.
        collapse : bool
            Sum by cluster, on the index of the clusters; not for Schoenfeld's, which belong to events.

        Raises
        ------
        InputError
            For `collapse` without a cluster, and for what has no meaning with a penalty.
        """
        check_choice("kind", kind, KINDS)
        if self.penalty is not None and kind in ("dfbeta", "dfbetas", "scaled-schoenfeld"):
            raise InputError(f"{kind} residuals do not carry the penalty; use martingale, deviance, score, schoenfeld.")
        if collapse and (self._clusters is None or kind.endswith("schoenfeld")):
            raise InputError("collapse=True sums residuals by cluster: name a cluster in `cox`; not for Schoenfeld's.")
        return residual_table(
            kind,
            self._data,
            self._found,
            self._matrix,
            self._outcome,
            self._index,
            self._clusters if collapse else None,
        )

    def baseline(self) -> pd.DataFrame:
        """The baseline at covariates of 0, one row an event time.

        Columns stratum, time, n_risk, n_event, cumulative_hazard, survival.

        Efron's estimate of the hazard under Efron's ties, Breslow's under Breslow's; counts are sums of weights where
        there are any.
        """
        data, outcome, sets = self._data, self._outcome, self._data.sets
        at_zero = float(-(self.coefficients @ self._matrix.centre))
        hazard = cumulative_hazard(data, self._found.point) * np.exp(at_zero)
        events = None if data.weights is None else data.weights[data.events]
        labels = np.array(outcome.labels or ("all",), dtype=object)
        return pd.DataFrame(
            {
                "stratum": labels[sets.stratum],
                "time": sets.times,
                "n_risk": at_risk(sets, data.weights),
                "n_event": in_cells(sets, data.events, events),
                "cumulative_hazard": hazard,
                "survival": np.exp(-hazard),
            }
        )

    @cached_property
    def _base(self) -> Baseline:
        return baseline(
            self._data,
            self._found.point,
            np.asarray(np.linalg.inv(self._found.information), dtype=float),
            robust=self.robust,
            strata=self._outcome.group,
            cluster=self._outcome.cluster,
        )

    def predict(
        self, data: pd.DataFrame, times: float | Sequence[float] | None = None, *, conf_type: str = "log-log"
    ) -> PredictedCurves:
        """Survival curves for the people of a table, with intervals.

        Parameters
        ----------
        data : DataFrame
            A row for each curve: the covariates and, where the fit had them, the strata and the offset.
        times : float or list of float, optional
            When; every event time of the stratum where left out.
        conf_type : str
            ``"log-log"``, ``"log"``, ``"plain"`` or ``"arcsine"``.

        Notes
        -----
        Rows with a missing value are left out and counted. Survival is exp(−H), as in `baseline`. The variance holds
        that of the baseline and of the coefficients (Tsiatis 1981); where the model's variance is robust so is this, by
        cluster. For someone like nobody in the data the curve is an extrapolation, which its interval does not show.
        With a `cause` one less the curve is not the share to whom it happens, for the others come first to some.
        """
        check_choice("conf_type", conf_type, SURVIVAL_TYPES)
        wanted = None if times is None else read_times(times)
        rows = read_rows(data, self._reading, self._matrix, times=False, strata=True)
        curves = of_baseline(
            self._base,
            self._data.sets,
            rows,
            self._found.point.beta @ rows.z + rows.offset,
            last_seen(self._outcome),
            wanted,
            data.index[rows.keep],
            self._outcome.labels,
            level=self.level,
            conf_type=conf_type,
            method=self.method,
        )
        return curves if self.cause is None else replace(curves, notes=(*curves.notes, ALONE))

    def predict_risk(
        self, data: pd.DataFrame | None = None, *, kind: str = "linear-predictor", reference: str = "mean"
    ) -> pd.DataFrame:
        """The linear predictor, relative risk or expected events of each row, on its index.

        Columns estimate, std_error, conf_low, conf_high; NaN for rows with a missing value.

        Parameters
        ----------
        data : DataFrame, optional
            The people; those of the fit where left out.
        kind : str
            ``"linear-predictor"``; ``"risk"``, its exponential; or ``"expected"``, the events expected by the row's
            own duration (and after its entry), for which `data` needs those columns.
        reference : str
            What a linear predictor of 0 stands for: ``"mean"`` covariates (weighted) of everyone, those of the row's
            own ``"strata"``, or covariates of ``"zero"``. It plays no part for ``"expected"``.

        Notes
        -----
        Errors of risks are the delta method's. Those of expected events are as in `predict`; they are NaN for rows that
        enter late where the variance is robust.
        """
        check_choice("kind", kind, SCORES)
        check_choice("reference", reference, REFERENCES)
        expected = kind == "expected"
        if data is None:
            rows, index = own_rows(self._outcome, self._matrix, self._data), self._index
        else:
            by_strata = expected or reference == "strata"
            rows = read_rows(data, self._reading, self._matrix, times=expected, strata=by_strata)
            index = data.index
        point, outcome = self._found.point, self._outcome
        if expected:
            scores = expected_scores(rows, self._data, point, outcome, self._base, self.level, own=data is None)
        else:
            covariance = self._fit.covariance
            scores = linear_scores(kind, reference, rows, point.beta, covariance, self._matrix, outcome, self.level)
        whole = np.full((len(index), len(scores)), np.nan)
        whole[rows.keep] = scores.T
        return pd.DataFrame(whole, index, columns=["estimate", "std_error", "conf_low", "conf_high"])

    def ph_test(self, transform: str = "km") -> ProportionalHazards:
        """Test of proportional hazards: does a coefficient drift with time? Per covariate, and all together.

        The score test of Grambsch and Therneau (1994) in its exact form, which presumes independent rows. What it
        returns shows the drift by ``plot(term)``.

        Parameters
        ----------
        transform : str
            ``"km"`` (1 less the Kaplan-Meier estimate of all rows, unweighted, just before the time), ``"rank"``
            (among all durations), ``"identity"`` or ``"log"`` of time.
        """
        if self.penalty is not None:
            raise InputError("ph_test presumes a fit without a penalty; leave out the covariate that separates.")
        notes = () if self._independent else ("The test takes rows for independent people, which these are not.",)
        return proportional_hazards(self._data, self._found, self._matrix, self._outcome, transform, self.level, notes)

    def plot(self, ax: Axes | None = None) -> Axes:
        """A forest of hazard ratios with their intervals."""
        return ratio_forest(self.tidy(exponentiate=True), "hazard ratio", self.level, ax)

    def __repr__(self) -> str:
        of = "" if self.cause is None else f" of {self.cause if isinstance(self.cause, str) else f'cause {self.cause}'}"
        likelihood = "Log-likelihood" if self.penalty is None else "Penalised log-likelihood"
        lines = [
            f"Cox model{of}; {self.method}; n = {self.n:,}, events = {self.n_events:,}",
            *ratio_lines(self.tidy(exponentiate=True), "hazard ratio", self.level),
            f"{likelihood} {number(self.log_likelihood, 6)} (without covariates {number(self.log_likelihood_null, 6)})",
        ]
        return with_notes("\n".join(lines), self.notes)
