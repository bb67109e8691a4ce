"""A proxy for melodies, optimised online and offline, beside the score that quality corrects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from rewardwrap.core.episode import Episode
from rewardwrap.nets.objectives import GDRO
from rewardwrap.scores import Corrected
from rewardwrap_envs.melody import LENGTH, NOTES, Melody
from tests.evidence.harness.judging import Row, State, higher, mean, together

CLAIM = (
    "Trained online on a proxy for smoothness, a writer of melodies raises it to the end while the corrected "
    "score turns down on the way; trained on ordered groups from a log, without a new melody, it ends with a "
    "higher corrected score."
)
SOURCE = "Wang et al., 2026, arXiv 2601.02036"
BUDGET = 1
SEEDS = 10
STEPS, GROUPS, ITEMS, BETA = 150, 256, 6, 6.0
OVER = np.arange(LENGTH - 1) == LENGTH - 2


def notes(episode: Episode) -> Any:
    return np.concatenate([[episode.info["first"][0]], episode.action]).astype(int)


def proxy(episodes: Sequence[Episode]) -> list[float]:
    """Half for ending on c or C, half for small steps: a repeated note is the smallest."""
    found = []
    for each in map(notes, episodes):
        small = 1.0 - min(1.0, np.abs(np.diff(each)).mean() / 3.0)
        found.append(0.5 * float(each[-1] in (0, NOTES - 1)) + 0.5 * small)
    return found


def rules(episodes: Sequence[Episode]) -> list[float]:
    """The environment's own four rules, from 1 to 5."""
    env, found = Melody(), []
    for each in map(notes, episodes):
        env.reset(seed=0)
        env.written = [int(each[0])]
        *_, (_, reward, *_) = [env.step(note) for note in each[1:]]
        found.append(1.0 + 4.0 * reward)
    return found


def variety(episodes: Sequence[Episode]) -> list[float]:
    return [1.0 + 4.0 * min(1.0, (len(set(notes(e).tolist())) - 1) / 4.0) for e in episodes]


def motion(episodes: Sequence[Episode]) -> list[float]:
    return [5.0 - 4.0 * float((np.diff(notes(e)) == 0).mean()) for e in episodes]


CORRECTED = Corrected(proxy, grades=(rules, variety, motion))


def written(logits: torch.Tensor, count: int, rng: np.random.Generator) -> Any:
    """Melodies ``(count, LENGTH)`` of a writer that knows the place and the last note."""
    chance = logits.detach().softmax(-1).numpy().cumsum(axis=-1)
    melody = np.empty((count, LENGTH), int)
    melody[:, 0] = rng.integers(NOTES, size=count)
    for place in range(LENGTH - 1):
        rows = chance[place, melody[:, place]]
        melody[:, place + 1] = (rows[:, :-1] < rng.random((count, 1))).sum(axis=1)
    return melody


def log_chance(logits: torch.Tensor, melody: torch.Tensor) -> torch.Tensor:
    """``log pi`` of melodies ``(..., LENGTH)``."""
    place = torch.arange(LENGTH - 1)
    return logits.log_softmax(-1)[place, melody[..., :-1], melody[..., 1:]].sum(-1)


def episodes(melody: Any) -> list[Episode]:
    first = [np.full(LENGTH - 1, float(each[0])) for each in melody]
    return [
        Episode(
            np.zeros((LENGTH, 1)),
            each[1:],
            np.zeros(LENGTH - 1),
            OVER,
            ~OVER & OVER,
            {"first": one},
        )
        for each, one in zip(melody, first, strict=True)
    ]


def told(logits: torch.Tensor, rng: np.random.Generator) -> tuple[float, float]:
    """Proxy and corrected score of fresh melodies."""
    heard = episodes(written(logits, 100, rng))
    return float(np.mean(proxy(heard))), float(CORRECTED(heard).mean())


def online(rng: np.random.Generator, *, small: bool) -> list[tuple[float, float]]:
    """A policy gradient on the proxy; what was heard every tenth step."""
    logits = torch.zeros(LENGTH - 1, NOTES, NOTES, requires_grad=True)
    rule, curve = torch.optim.Adam([logits], lr=0.1), []
    for step in range(3 if small else STEPS):
        melody = written(logits, 96, rng)
        paid = torch.tensor(proxy(episodes(melody)))
        gain = (paid - paid.mean()) / (paid.std() + 1e-8)
        loss = -(gain * log_chance(logits, torch.as_tensor(melody))).mean()
        rule.zero_grad()
        loss.backward()
        rule.step()
        if small or step % 10 == 9:
            curve.append(told(logits, rng))
    return curve


def offline(rng: np.random.Generator, *, small: bool) -> tuple[float, float]:
    """GDRO on groups that the untrained writer has left behind."""
    reference = torch.zeros(LENGTH - 1, NOTES, NOTES)
    melody = written(reference, GROUPS * ITEMS, rng)
    log = torch.as_tensor(melody).reshape(GROUPS, ITEMS, LENGTH)
    reward = torch.tensor(proxy(episodes(melody))).reshape(GROUPS, ITEMS)
    logits = reference.clone().requires_grad_()
    rule, before = torch.optim.Adam([logits], lr=0.05), log_chance(reference, log)
    for _ in range(3 if small else STEPS):
        s = BETA * (log_chance(logits, log) - before)
        loss = GDRO(top=0.5).of_scores(s, reward, beta=BETA).mean()
        rule.zero_grad()
        loss.backward()
        rule.step()
    return told(logits, rng)


def run(seed: int, *, small: bool = False) -> Row:
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    curve = online(rng, small=small)
    best = int(np.argmax([corrected for _, corrected in curve]))
    row = {
        "proxy_at_turn": curve[best][0], "corrected_at_turn": curve[best][1],
        "proxy_online": curve[-1][0], "corrected_online": curve[-1][1], "turn": 10.0 * (best + 1),
    }  # fmt: skip
    row["proxy_gdro"], row["corrected_gdro"] = offline(rng, small=small)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "proxy_online", "proxy_at_turn"),
            higher(rows, "corrected_at_turn", "corrected_online", by=0.1),
            higher(rows, "corrected_gdro", "corrected_online"),
        ]
    )
    pairs = []
    for name in ("at_turn", "online", "gdro"):
        proxied, corrected = (mean(rows, f"{what}_{name}") for what in ("proxy", "corrected"))
        pairs.append(f"{name.replace('_', ' ')} {proxied:.2f} and {corrected:.2f}")
    turn = f"the turn came at step {mean(rows, 'turn'):.0f} of {STEPS}"
    return state, f"proxy and corrected score: {', '.join(pairs)}; {turn}"
