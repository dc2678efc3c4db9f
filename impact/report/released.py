"""What of a chapter's numbers may stand in it: the flow with its losses, and who differs from the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from impact.cohort import Cohort
from impact.comparison import attrition
from impact.design import Design
from impact.errors import DisclosureError
from impact.evidence import default_rules, protect, share, shown_count
from impact.report.words import NOT_KNOWN, mean_of
from impact.results import proportion

WITHHELD = "not shown"


def released_flow(flow: pd.DataFrame, left: pd.DataFrame, arm: str) -> tuple[list[str], list[str]]:
    """The counts of each step and of each loss of one arm as they may be shown, protected together.

    Each step is the sum of the next step and of those lost between the two, so a small loss beside two shown steps
    could be worked out; further counts are withheld until none can. Those referred, accepted and at the last step stand
    elsewhere in a report too, and are withheld only where nothing else helps.
    """
    steps = flow["step"].tolist()
    before = dict(zip(steps[1:], steps, strict=False))
    losses = {f"{step}: {place}": before[step] for place, step in enumerate(left["step"])}
    counts = pd.Series([*flow[arm], *left[arm]], index=[*steps, *losses])
    shown = released_counts(counts, before | losses, elsewhere=sorted({"referred", "accepted", steps[-1]} & set(steps)))
    return [shown[step] for step in steps], [shown[loss] for loss in losses]


def released_steps(cohort: Cohort, design: Design | None) -> dict[str, str]:
    """How many of those who took part reach each step of the flow, as it may be shown."""
    found = attrition(cohort, design)
    return dict(zip(found.flow["step"], released_flow(found.flow, found.left, "treated")[0], strict=True))


def released_counts(counts: pd.Series, within: Mapping[str, str], *, elsewhere: Sequence[str] = ()) -> dict[str, str]:
    """Counts that add up to one another as they may be shown, those that stand `elsewhere` among them.

    Two readers are reckoned with: one who knows which parts are empty (nobody of the comparison declines), and one who
    does not. Where those that stand elsewhere give a small one away between them, of the others nothing is shown, and
    not said which of them are small; where two of them do by themselves, nothing is shown at all.
    """
    spared = {*within.values(), *elsewhere}
    empty = [label for label in counts.index if not counts[label] and label not in spared]
    parts = {part: whole for part, whole in within.items() if part not in empty}
    try:
        texts = _protected(counts, within, elsewhere)
        of_parts = _protected(counts.drop(empty), parts, elsewhere)
    except DisclosureError:
        shown = {label: shown_count(int(counts[label])) for label in elsewhere}
        alone = list(shown.values()).count(str(default_rules().minimum)) < 2
        return {label: shown.get(label, WITHHELD) if alone else WITHHELD for label in counts.index}
    return texts | {label: text for label, text in of_parts.items() if text == WITHHELD}


def _protected(counts: pd.Series, within: Mapping[str, str], elsewhere: Sequence[str]) -> dict[str, str]:
    shown = protect(counts.to_frame("people"), within=within, published=elsewhere).table["people"]
    return {str(label): str(text) for label, text in shown.items()}


def few_apart(values: pd.Series, groups: pd.Series) -> bool:
    """Whether in a group fewer people than may be counted differ from its most common value.

    Of a share they are the fewer of those with and those without. A mean would then say what a few people have.
    """
    apart = values.groupby(groups).agg(lambda known: known.count() - known.value_counts().max() if known.count() else 0)
    return int(apart.min()) < default_rules().minimum


def released_proportion(count: int, n: int) -> tuple[float, float, float]:
    """A proportion with its 95% interval from the rounded counts: an interval from the exact ones gives them back."""
    rules = default_rules()
    return proportion(rules.rounded(count), rules.rounded(n), 0.95)


def released_means(design: Design, balance: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Both groups' means of each term of a balance, as they may be shown; dashes where few differ from the rest.

    The mean of a kind, or of anything that is only 0 or 1, is a share of people, and is worked out from rounded counts.
    """
    used = design.data[design.weights > 0]
    arm = used[design.treatment]
    shown = {}
    for term in balance.index:
        base, _, level = str(term).partition("[")
        values = used[base]
        if level:
            values = (values.astype(str) == level.rstrip("]").removeprefix("T.")).astype(float)
        means = (float(balance.loc[term, "mean_treated"]), float(balance.loc[term, "mean_comparison"]))
        if few_apart(values, arm):
            shown[str(term)] = (NOT_KNOWN, NOT_KNOWN)
        elif values.dropna().isin((0, 1)).all():
            sizes = (int(values[arm == group].count()) for group in (1, 0))
            texts = (share(round(n * mean), n) for n, mean in zip(sizes, means, strict=True))
            treated, comparison = (NOT_KNOWN if text.startswith(WITHHELD) else text for text in texts)
            shown[str(term)] = (treated, comparison)
        else:
            shown[str(term)] = (mean_of(means[0]), mean_of(means[1]))
    return shown
