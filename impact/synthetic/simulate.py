"""A world from a seed: every linked table, and what is true of it."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from impact.errors import Fault, InputError
from impact.synthetic.areas import make_areas
from impact.synthetic.block import make_block
from impact.synthetic.rows import Coded, Rows, coded
from impact.synthetic.scores import Sums
from impact.synthetic.truth import Counts, assemble, to_text
from impact.synthetic.world import World, read_world
from impact.synthetic.write import TRUTH, Writer, new_world

FEWEST, MOST = 500, 5_000_000
FORMS = ("csv", "parquet")
SOURCES = ("programmes", "police", "probation", "prison", "courts")


def simulate(
    folder: str | PathLike[str],
    *,
    people: int = 6000,
    seed: int = 2022,
    form: str = "csv",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write an invented, Merseyside-like world of linked tables, and beside it what is true of it (`truth.json`).

    Latent need drives offending, contacts with the police, scores and joining a programme; people join when their
    readings are low for the moment; those who do worse give a second reading less often; each programme has a planted
    effect on reoffending. The same arguments give the same bytes.

    Parameters
    ----------
    folder : str or path
        Where to write; new, empty, or an earlier world, which is replaced only when the new one is whole.
    people : int
        People with a sentence, 500 to 5,000,000. Programmes grow with people above 6,000. Families and young people
        at risk come on top.
    seed : int
        Seed of the world, 0 or more.
    form : str
        ``"csv"`` or ``"parquet"``.
    progress : callable, optional
        Called as ``progress(done, blocks)`` after each block of people.

    Returns
    -------
    dict
        The truth as written: parameters, base rates, and per programme the planted hazard ratio, the risk of proven
        reoffending with and without it, and the change of scores with and without it (same random numbers).

    Raises
    ------
    InputError
        If an argument cannot be used, or the folder holds something else than an earlier world.

    Examples
    --------
    >>> import tempfile
    >>> truth = simulate(tempfile.mkdtemp() + "/world", people=500, seed=1)
    >>> truth["people"], truth["programmes"]["moms"]["hazard_ratio"]
    (500, 1.0)
    """
    _check(people, seed, form)
    world = read_world()
    blocks = -(-people // int(world.raw["block"]))
    roots = np.random.SeedSequence(seed).spawn(blocks + 1)
    areas = make_areas(world, roots[0])
    counts: Counts = Counter()
    sums: dict[tuple[str, str, str], Sums] = {}
    others = 0
    with new_world(Path(folder)) as fresh:
        writer = Writer(fresh)
        writer.append([areas.rows, _stories(), _extract(world)])
        for number in range(blocks):
            first, after = (1 + people * edge // blocks for edge in (number, number + 1))
            block = make_block(
                world,
                areas,
                first=first,
                n=after - first,
                first_other=people + 1 + others,
                sizes={name: _share(world.referred(name, people), number, blocks) for name in world.programmes},
                seed=roots[number + 1],
            )
            writer.append(block.rows)
            counts.update(block.counts)
            others += block.others
            for key, more in block.sums.items():
                sums[key] = sums[key] + more if key in sums else more
            if progress is not None:
                progress(number + 1, blocks)
        writer.close(form)
        truth = assemble(world, seed=seed, people=people, counts=counts, sums=sums)
        (fresh / TRUTH).write_text(to_text(truth), encoding="utf-8", newline="\n")
    return truth


def _check(people: int, seed: int, form: str) -> None:
    faults = []
    if isinstance(people, bool) or not isinstance(people, int) or not FEWEST <= people <= MOST:
        faults.append(Fault(f"people must be a whole number from {FEWEST:,} to {MOST:,}"))
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        faults.append(Fault("seed must be a whole number, 0 or more"))
    if form not in FORMS:
        faults.append(Fault(f"form must be one of {', '.join(FORMS)}"))
    if faults:
        raise InputError("The world cannot be made:", faults)


def _share(size: int, number: int, blocks: int) -> int:
    return size * (number + 1) // blocks - size * number // blocks


def _stories() -> Rows:
    told = tomllib.loads(files("impact.synthetic").joinpath("stories.toml").read_text(encoding="utf-8"))["story"]
    return Rows(
        "story",
        {
            **{name: coded([story[name] for story in told]) for name in ("programme", "quarter", "text")},
            "consent": np.array([int(story["consent"]) for story in told]),
        },
    )


def _extract(world: World) -> Rows:
    n = len(SOURCES)
    return Rows(
        "extract",
        {
            "source": Coded(np.arange(n), SOURCES),
            "complete_to": np.full(n, world.complete_to),
            "synthetic": np.ones(n, dtype=np.int64),
        },
    )
