"""Time changes of scores and their courses at the sizes of a national programme, the mixed model beside lme4.

Run as ``python benchmarks/distance.py [people]``: 100,000 unless said. R runs where Rscript finds `lme4`; where it does
not, that is said. Medians of processor seconds; peaks are of NumPy's and pandas' memory during one call, over the size
of the columns that it reads.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from timing import peak, seconds

from impact.distance import change, ordinal_trajectory, trajectory
from impact.distance.permutation import sign_flip

RUNS = 3
SCALES, WAVES = 10, 4
R_CODE = """
suppressMessages(library(lme4))
data <- read.csv(commandArgs(TRUE)[1])
for (run in 1:3) {
  taken <- system.time(fit <- lmer(score ~ months + (1 + months | person), data))
  cat("seconds,", taken[["user.self"]] + taken[["sys.self"]], "\\n", sep = "")
}
found <- c(fixef(fit), sqrt(diag(as.matrix(vcov(fit)))), logLik(fit))
cat("fit,", paste(sprintf("%.10f", found), collapse = ","), "\\n", sep = "")
"""


def readings(people: int, seed: int = 1) -> pd.DataFrame:
    """Whole scores from 1 to 10 of each person on ten scales at four waves, a third of the later ones missing."""
    rng = np.random.default_rng(seed)
    start, pace = rng.normal(4, 1.5, (people, SCALES, 1)), rng.normal(0.4, 0.3, (people, SCALES, 1))
    score = start + pace * np.arange(WAVES) + rng.normal(0, 1, (people, SCALES, WAVES))
    seen = (rng.random((people, 1, WAVES)) > 1 / 3) | (np.arange(WAVES) == 0)
    person, scale, wave = np.indices(score.shape)
    rows = np.broadcast_to(seen, score.shape)
    found = {"person": person[rows], "scale": scale[rows], "wave": wave[rows] + 1}
    return pd.DataFrame(found).assign(score=np.clip(np.rint(score[rows]), 1, 10))


def courses(people: int, seed: int = 2) -> pd.DataFrame:
    """A score of each person at four uneven times, intercepts and slopes of their own, and a grade from 1 to 5."""
    rng = np.random.default_rng(seed)
    months = np.array([0.0, 2.0, 5.0, 9.0]) + rng.uniform(0, 1, (people, WAVES)) * (np.arange(WAVES) > 0)
    score = rng.normal(20, 4, (people, 1)) + rng.normal(-0.4, 0.4, (people, 1)) * months
    score += rng.normal(0, 3, (people, WAVES))
    person = np.repeat(np.arange(people), WAVES)
    grade = np.digitize(score.ravel(), [14, 17, 20, 23]) + 1
    return pd.DataFrame({"person": person, "months": months.ravel(), "score": score.ravel(), "grade": grade})


def bytes_of(data: pd.DataFrame) -> int:
    """The size of the columns."""
    return int(data.memory_usage(index=False).sum())


def by_lme4(data: pd.DataFrame) -> tuple[float, list[float]] | None:
    """Median seconds of lme4's fit, its coefficients and their standard errors; None where it is not installed."""
    if not shutil.which("Rscript"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        data.to_csv(path, index=False)
        run = subprocess.run(["Rscript", "-e", R_CODE, str(path)], capture_output=True, text=True, check=False)
    lines = [line.split(",") for line in run.stdout.splitlines()]
    taken = [float(words[1]) for words in lines if words[0] == "seconds"]
    fits = [[float(word) for word in words[1:]] for words in lines if words[0] == "fit"]
    return (statistics.median(taken), fits[0]) if taken and fits else None


def line(what: str, taken: float, goal: str = "", memory: float | None = None) -> None:
    """Print one row."""
    held = "" if memory is None else f"memory {memory:4.1f}"
    print(f"{what:<62} {taken:9.3f} s  {goal:<12} {held}", flush=True)


def main(people: int) -> None:
    """Print each call's seconds beside its goal."""
    data = readings(people)

    def asked() -> object:
        columns = {"person": "person", "wave": "wave", "score": "score", "by": "scale"}
        return change(data, **columns, low=1, high=10, permutations=10_000)  # type: ignore[arg-type]

    line(
        f"change: {people:,} people, 10 scales, 4 waves, every test",
        seconds(asked, RUNS),
        "goal 5",
        peak(asked) / bytes_of(data),
    )
    rng = np.random.default_rng(3)
    for what, changes in (
        ("whole changes", np.rint(rng.normal(0.1, 2, 10_000))),
        ("changes all different", rng.normal(0.02, 1, 10_000)),
    ):
        taken = seconds(lambda changes=changes: sign_flip(changes, 10_000, 1), RUNS)  # type: ignore[misc]
        line(f"sign flips: 10,000 resamples of 10,000 {what}", taken, "goal 2")
    course = courses(people)

    def fitted() -> object:
        return trajectory(course, person="person", time="months", score="score")

    ours = seconds(fitted, RUNS)
    line(f"trajectory: {people:,} people, 4 readings, random slope", ours, "", peak(fitted) / bytes_of(course))
    theirs = by_lme4(course[["person", "months", "score"]])
    if theirs is None:
        print("lme4 is not installed here, and is left out.")
    else:
        line("  lme4::lmer on the same", theirs[0], f"ratio {ours / theirs[0]:.2f}")
        found = trajectory(course, person="person", time="months", score="score")
        *numbers, likelihood = theirs[1]
        away = np.abs(np.r_[found.tidy()["estimate"], found.tidy()["std_error"]] / numbers - 1).max()
        print(f"  coefficients and standard errors within {away:.1e} of lme4's, relative;", end=" ")
        print(f"log-likelihood higher by {found.log_likelihood - likelihood:.1e}")
    few = course[course["person"] < people // 10]

    def graded() -> object:
        return ordinal_trajectory(few, person="person", time="months", score="grade")

    line(
        f"ordinal_trajectory: {people // 10:,} people, 4 readings, 5 grades",
        seconds(graded, 1),
        "",
        peak(graded) / bytes_of(few),
    )


if __name__ == "__main__":
    main(*[int(value) for value in sys.argv[1:2]] or [100_000])
