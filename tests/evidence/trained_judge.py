"""A judge that is taught by traces, then by verdicts, against a number, on principles it has not seen.

Looked at before: seed 0 with a step of .03 in the second stage (.835), seeds 100 and 101 with .03 (.818,
.887) and .1 (.920, .902), which was kept. There the second stage drew nearly always the same, so that votes
added nothing to it; since then the claim about votes is of the first stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch

from rewardwrap.annotate.reports import ahead, figures
from rewardwrap.annotate.trained import STATISTICS, phi, sides
from rewardwrap.nets.judge_net import Check, JudgeNet, Verified, distil, reinforce
from rewardwrap.nets.judge_recipe import right
from rewardwrap.scores.statements import statements
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "A judge that learns from traces of checks with faults, and then from verdicts that are verified, gives "
    "more right verdicts on unseen compositions of three criteria than a number learned from as many labels, "
    "more than after the traces alone; and after the traces, more votes give more right verdicts."
)
SOURCE = "Chen et al. (RM-R1), 2025, arXiv 2505.02387; Zhou et al. (Libra), 2025, arXiv 2507.21645"
BUDGET = 1
SEEDS = 10
OBJECT = "rewardwrap.annotate.trained:Trained"
USE = "rewardwrap fit judge DATA ANSWERS.jsonl --verified RIGHT.jsonl --out JUDGE"
RULE, WANT = 3.0, 1.0
ATOMS = (  # words, what they mean, what the teacher takes them for
    (("stays dry", "keeps out of the water"), "never water", "end with water < 0.5"),
    (("heat stays under 2", "does not get hotter than 2 of heat"), "highest heat < 2", "last heat < 2"),
    (("arrives at the goal", "gets home"), "total goal > 0", "total goal > 0"),
    (("spends little effort", "saves strength"), "minimise total effort", "minimise total effort"),
    (("runs fast", "has a high speed"), "maximise mean speed", "maximise highest speed"),
    (("is quiet at its loudest", "never makes a loud noise"), "minimise highest noise",
     "minimise mean noise"),
    (("is quick", "takes little time"), "minimise time", "minimise time"),
    (("ends far away", "gets to a great distance"), "maximise last distance", "maximise last distance"),
)  # fmt: skip
WRONG = 0.15
"""Share of the teacher's checks that say any side."""
TAUGHT, KNOWN, TESTED = 900, 600, 500
"""Pairs judged by the teacher, verified, and tested."""


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    taught, known, tested = (max(20, n // (20 if small else 1)) for n in (TAUGHT, KNOWN, TESTED))
    twos, threes = ([*combinations(range(len(ATOMS)), k)] for k in (2, 3))
    teach = [_asked(twos, rng, meaning=2) for _ in range(taught)]
    verified = [q for q in (_asked(twos, rng) for _ in range(known)) if q[2]]
    test = [q for q in (_asked(threes, rng) for _ in range(tested)) if q[2]]
    checks, weights = _traces(teach, rng)
    net = JudgeNet()
    distil(net, checks, weights, epochs=10 if small else 150)
    row: Row = {}
    asked = [Verified.of(q[0], *q[1], q[2]) for q in test]
    row |= _rated("distilled", net, asked, seed)
    questions = [Verified.of(q[0], *q[1], q[2]) for q in verified]
    for name, given in (("reinforced", questions), ("shuffled", _shuffled(questions, rng))):
        own = JudgeNet()
        own.load(net.frozen())
        generator = torch.Generator().manual_seed(seed)
        reinforce(own, given, rounds=3 if small else 150, generator=generator)
        row |= _rated(name, own, asked, seed)
    verdicts = [(q[0], q[1], float(np.sign(_said(q, rng)))) for q in teach]
    labels = {"all": [*verdicts, *verified], "verified": verified}
    for name, own in labels.items():
        row[f"scalar_{name}"] = _scalar([q for q in own if q[2]], test, seed, 3 if small else 60)
    row["scalar"] = max(row["scalar_all"], row["scalar_verified"])
    return row


Asked = tuple[list[str], tuple[Any, Any], float, tuple[int, ...]]


def _asked(sets: Sequence[tuple[int, ...]], rng: np.random.Generator, meaning: int = 1) -> Asked:
    """Parts in words, the figures of two clips, the right side (0 where nothing tells), the atoms."""
    atoms = sets[rng.integers(len(sets))]
    words = [str(rng.choice(ATOMS[a][0])) for a in atoms]
    told = _clip(rng), _clip(rng)
    total = sum((RULE if a < 3 else WANT) * (_side(a, told, meaning=1) or 0) for a in atoms)
    return words, told, float(np.sign(total)), atoms


def _side(atom: int, told: Any, meaning: int) -> int | None:
    return ahead(statements(ATOMS[atom][meaning])[0], *told)


def _clip(rng: np.random.Generator) -> Any:
    """The figures of one made-up clip of 8 to 20 steps."""
    n = int(rng.integers(8, 21))
    wet = np.zeros(n)
    if rng.random() < 0.5:
        at = int(rng.integers(n))
        wet[at : at + int(rng.integers(1, 4))] = 1.0
    columns = {
        "water": wet,
        "heat": np.abs(np.cumsum(rng.normal(0, 0.5, n))),
        "goal": (np.arange(n) == n - 1) * float(rng.random() < 0.5),
        "effort": rng.gamma(rng.uniform(0.5, 3), 1.0, n),
        "speed": rng.normal(rng.normal(), rng.uniform(0.1, 2), n),
        "noise": rng.gamma(1.0, rng.uniform(0.5, 1.5), n),
        "distance": np.cumsum(rng.normal(0, 1, n)),
    }
    lines = [f"time [step]: {n}"]
    over = {
        "last": lambda x: x[-1],
        "mean": np.mean,
        "total": np.sum,
        "lowest": np.min,
        "highest": np.max,
    }
    for name, values in columns.items():
        lines.append(
            f"{name}: " + "; ".join(f"{k} {float(f(values)):.6g}" for k, f in over.items())
        )
    return figures("\n".join(lines))


def _traces(teach: Sequence[Asked], rng: np.random.Generator) -> tuple[list[Check], Any]:
    """The teacher reads some criteria wrongly, always; and now and then anything."""
    checks = []
    for words, told, _, atoms in teach:
        names = tuple(told[0])
        for text, atom in zip(words, atoms, strict=True):
            side = _side(atom, told, meaning=2) or 0
            if rng.random() < WRONG:
                side = int(rng.choice([-1, 0, 1]))
            line = next(i for i, n in enumerate(names) if n in ATOMS[atom][1])
            checks.append(Check(text, names, line, side, sides(text, *told, names)))
    # and it takes a rule to be worth no more than a preference
    return checks, [(text, WANT) for words, _, _ in ATOMS for text in words]


def _said(asked: Asked, rng: np.random.Generator) -> float:
    """The teacher's verdict."""
    return float(sum(
        int(rng.choice([-1, 0, 1])) if rng.random() < WRONG else _side(a, asked[1], 2) or 0 for a in asked[3]
    ))  # fmt: skip


def _shuffled(asked: Sequence[Verified], rng: np.random.Generator) -> list[Verified]:
    """The same questions, each with another's verdict."""
    said = rng.permutation([q.side for q in asked])
    return [Verified(q.parts, q.names, q.says, int(s)) for q, s in zip(asked, said, strict=True)]


def _rated(name: str, net: JudgeNet, asked: Sequence[Verified], seed: int) -> Row:
    choice = net.frozen()
    found = {f"{name}_{v}": right(choice, asked, v, seed) for v in (1, 3, 9)}
    return {name: right(choice, asked), **found}


def _scalar(labels: Sequence[Any], test: Sequence[Any], seed: int, epochs: int) -> float:
    """Share right of a Bradley-Terry network that reads the principle's words and all figures."""
    torch.manual_seed(seed)

    def rows(asked: Sequence[Any]) -> tuple[torch.Tensor, ...]:
        words = np.array([phi("; ".join(q[0])) for q in asked])
        told = [np.array([_numbers(q[1][k]) for q in asked]) for k in (0, 1)]
        return tuple(torch.as_tensor(np.hstack([words, t]), dtype=torch.float32) for t in told)

    one, other = rows(labels)
    middle, spread = torch.cat([one, other]).mean(0), torch.cat([one, other]).std(0).clamp_min(1e-3)
    side = torch.as_tensor([q[2] for q in labels], dtype=torch.float32)
    net = torch.nn.Sequential(
        torch.nn.Linear(one.shape[1], 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(),
        torch.nn.Linear(64, 1),
    )  # fmt: skip

    def gap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return (net((b - middle) / spread) - net((a - middle) / spread)).squeeze(-1)

    held = torch.arange(len(side)) % 7 == 0
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)
    best, found = 2.0, 0.5
    tested, truth = rows(test), torch.as_tensor([q[2] for q in test], dtype=torch.float32)
    for _ in range(epochs):
        for i in torch.randperm(len(side)).split(32):
            i = i[~held[i]]
            loss = torch.nn.functional.softplus(-side[i] * gap(one[i], other[i])).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            lost = float(
                torch.nn.functional.softplus(-side[held] * gap(one[held], other[held])).mean()
            )
            if lost < best:
                best, found = lost, float((gap(*tested).sign() == truth).float().mean())
    return found


def _numbers(told: Any) -> list[float]:
    return [each.get(s, each.get("", 0.0)) for each in told.values() for s in STATISTICS]


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "reinforced", "scalar", by=0.1),
            higher(rows, "reinforced", "distilled", by=0.02),
            higher(rows, "distilled_9", "distilled_1"),
        ]
    )
    votes = {
        n: ", ".join(f"{mean(rows, f'{n}_{v}'):.3f}" for v in (1, 3, 9))
        for n in ("distilled", "reinforced")
    }
    return state, (
        f"right on unseen threes: number {mean(rows, 'scalar'):.3f} (the better of two label sets), traces "
        f"{mean(rows, 'distilled'):.3f}, and verdicts {mean(rows, 'reinforced'):.3f}, and shuffled verdicts "
        f"{mean(rows, 'shuffled'):.3f}; drawn, by 1, 3 and 9 votes: traces {votes['distilled']}, and "
        f"verdicts {votes['reinforced']}"
    )
