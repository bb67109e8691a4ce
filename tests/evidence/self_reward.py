"""Canvas, judged by a frozen network: the whole, its parts, and the whole times its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores import Score
from rewardwrap_envs.canvas import BLUE, MOST, RED, SHOWN, SIZE, Canvas
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "Paid by a frozen judge that has seen random canvases and no label of a person, the whole alone teaches "
    "how many cells, the parts alone where; the whole times its parts paints more right canvases than "
    "either, by at least 0.1."
)
SOURCE = "Jin et al., 2025, arXiv 2510.12784"
BUDGET = 1
SEEDS = 10
OBJECT = "rewardwrap.scores.self_reward:SelfReward"
CELLS = SIZE**2
UPDATES, GROUPS, GROUP, RATE = 250, 16, 16, 5.0
CANVASES, ASKED = 4000, 100
BLANK_AT_FIRST = 2.0
"""Logit of a blank cell before the training: a painter that already leaves most cells alone."""


class Judge(nn.Module):
    """Two answers: how far the counts are from the prompt, and how right a colour is in a cell."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = nn.Sequential(nn.Linear(2 * CELLS + 2, 32), nn.ReLU(), nn.Linear(32, 1))
        self.part = nn.Bilinear(CELLS, 2, 1)

    def of_wholes(self, painted: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        told: torch.Tensor = self.counts(torch.cat([painted.flatten(1), wanted], dim=1))[:, 0]
        return told.clamp(-1.0, 1.0)

    def of_parts(self, cell: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.part(cell, colour))[:, 0]


def painted(cells: Any) -> torch.Tensor:
    """``(n, CELLS)`` colours -> ``(n, CELLS, 2)``, red and blue."""
    return torch.as_tensor(np.stack([cells == RED, cells == BLUE], axis=-1), dtype=torch.float32)


def fitted(seed: int, *, small: bool) -> Judge:
    """A judge of random canvases: their counts and halves are known to whoever drew them."""
    torch.manual_seed(seed)
    rng, judge = np.random.default_rng(seed), Judge()
    count = 256 if small else CANVASES
    wanted = rng.integers(1, MOST + 1, size=(count, 2))
    share = rng.random((count, 1)) * 0.4
    cells = np.where(rng.random((count, CELLS)) < share, rng.integers(1, 3, (count, CELLS)), 0)
    colours, ask = painted(cells), torch.as_tensor(wanted, dtype=torch.float32)
    off = np.abs(colours.sum(1).numpy() - wanted).sum(axis=1)
    told = torch.as_tensor(1.0 - np.minimum(off, 6.0) / 3.0, dtype=torch.float32)
    each, both = torch.eye(CELLS).repeat_interleave(2, dim=0), torch.eye(2).repeat(CELLS, 1)
    lower, blue = torch.arange(CELLS).repeat_interleave(2) >= CELLS // 2, both[:, 1] == 1.0
    right = torch.where(lower == blue, 1.0, -1.0)
    rule = torch.optim.Adam(judge.parameters(), lr=3e-3)
    for step in range(5 if small else 1000):
        rows = slice(step * 256 % count, step * 256 % count + 256)
        off_by = judge.of_wholes(colours[rows], ask[rows]) - told[rows]
        loss = off_by.square().mean() + (judge.of_parts(each, both) - right).square().mean()
        rule.zero_grad()
        loss.backward()
        rule.step()
    return judge.requires_grad_(False)


def asked(judge: Judge) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The whole and the parts of finished episodes, as the judge sees them."""

    def whole(episodes: Sequence[Episode]) -> Any:
        cells = np.array([e.action for e in episodes])
        prompt = np.array([e.obs[0, 2:SHOWN] * MOST for e in episodes])
        return judge.of_wholes(painted(cells), torch.as_tensor(prompt).float()).numpy()

    def parts(episodes: Sequence[Episode]) -> Any:
        cells = np.array([e.action for e in episodes])
        told = np.full(cells.shape, np.nan)
        which, where = np.nonzero(cells)
        colour = painted(cells)[which, where]
        told[which, where] = judge.of_parts(torch.eye(CELLS)[where], colour).numpy()
        return told

    return whole, parts


class Painter:
    """Tabular logits: the half, cells left in it, and how much red and blue is still wanted."""

    def __init__(self) -> None:
        self.logits = np.zeros((CELLS, 2 * MOST + 1, 2 * MOST + 1, 3))
        self.logits[..., 0] = BLANK_AT_FIRST

    def paint(self, wanted: Any, rng: np.random.Generator) -> tuple[Any, list[Any]]:
        """Colours ``(n, CELLS)`` for prompts ``(n, 2)``, and what each step looked at."""
        left, cells, seen = wanted.copy(), np.zeros((len(wanted), CELLS), int), []
        for cell in range(CELLS):
            red, blue = (np.clip(left, -MOST, MOST) + MOST).T
            table = self.logits[cell, red, blue]
            chance = np.exp(table - table.max(axis=1, keepdims=True))
            chance /= chance.sum(axis=1, keepdims=True)
            draw = rng.random((len(wanted), 1))
            cells[:, cell] = (chance.cumsum(axis=1)[:, :2] < draw).sum(axis=1)
            seen.append((red, blue, chance))
            left[:, 0] -= cells[:, cell] == RED
            left[:, 1] -= cells[:, cell] == BLUE
        return cells, seen

    def learn(self, cells: Any, seen: list[Any], gain: Any) -> None:
        """A step uphill with the centred pay of the groups."""
        for cell, (red, blue, chance) in enumerate(seen):
            step = -chance
            step[np.arange(len(cells)), cells[:, cell]] += 1.0
            np.add.at(self.logits[cell], (red, blue), RATE * gain[:, None] * step / GROUP)


def finished(cells: Any, wanted: Any) -> list[Episode]:
    """What a score sees of them; the prompt stands in the first observation."""
    over = np.arange(CELLS) == CELLS - 1
    obs = np.zeros((len(cells), CELLS + 1, SHOWN))
    obs[:, 0, 2:SHOWN] = wanted / MOST
    return [
        Episode(o, c, np.zeros(CELLS), over, ~over & over) for o, c in zip(obs, cells, strict=True)
    ]


def trained(score: Score, rng: np.random.Generator, *, small: bool) -> Painter:
    """Group-relative policy gradient on prompts drawn as Canvas draws them."""
    painter = Painter()
    for _ in range(2 if small else UPDATES):
        wanted = rng.integers(1, MOST + 1, size=(GROUPS, 2)).repeat(GROUP, axis=0)
        cells, seen = painter.paint(wanted, rng)
        paid = np.asarray(score(finished(cells, wanted))).reshape(GROUPS, GROUP)
        painter.learn(cells, seen, (paid - paid.mean(axis=1, keepdims=True)).ravel())
    return painter


def judged(painter: Painter, rng: np.random.Generator) -> tuple[float, float, float]:
    """True success in the environment itself, right counts, and canvases with nothing misplaced."""
    env, found = Canvas(), []
    for seed in range(ASKED):
        obs, _ = env.reset(seed=seed)
        wanted = np.round(obs[2:SHOWN] * MOST).astype(int)
        cells, _ = painter.paint(wanted[None], rng)
        for colour in cells[0]:
            obs, reward, _, _, info = env.step(np.int64(colour))
        found.append((reward, not obs[2:SHOWN].any(), not info["misplaced"]))
    success, counts, placed = np.mean(found, axis=0)
    return float(success), float(counts), float(placed)


def run(seed: int, *, small: bool = False) -> Row:
    torch.set_num_threads(1)
    judge = fitted(seed, small=small)
    whole, parts = asked(judge)
    scores: dict[str, Score] = {
        "both": rw.SelfReward(whole, parts, judge=judge),
        "whole": whole,
        "parts": rw.SelfReward(lambda episodes: np.ones(len(episodes)), parts),
    }
    row = {}
    for name, score in scores.items():
        rng = np.random.default_rng(seed)
        found = judged(trained(score, rng, small=small), rng)
        row |= {
            f"{what}_{name}": x
            for what, x in zip(("success", "counts", "placed"), found, strict=True)
        }
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "success_both", "success_whole", by=0.1),
            higher(rows, "success_both", "success_parts", by=0.1),
            higher(rows, "counts_whole", "counts_parts", by=0.1),
            higher(rows, "placed_parts", "placed_whole", by=0.1),
        ]
    )
    told = "; ".join(
        f"{name} {mean(rows, f'success_{name}'):.2f} (counts {mean(rows, f'counts_{name}'):.2f}, halves "
        f"{mean(rows, f'placed_{name}'):.2f})"
        for name in ("both", "whole", "parts")
    )
    return state, f"right canvases in the environment: {told}"
