"""A ford: straight through the water or round on the bank, walking or running."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rewardwrap.core.episode import Episode

LENGTH, WET, LIMIT = 9, (3, 4, 5), 20
WALK, RUN, CROSS = 0, 1, 2
ACTIONS, STATES = 3, 2 * LENGTH
ENERGY = np.array([1.0, 4.0, 1.0])


def play(logits: Any, count: int, rng: np.random.Generator) -> tuple[list[Episode], list[Any]]:
    """Episodes of a softmax policy from the start, and the rows ``(states, actions)`` of each.

    Walking goes one place for 1 of energy, running two for 4, crossing changes the row for 1; places 3 to
    5 of the row that it starts in are water. The goal is the last place of that row.
    """
    place, row = np.zeros(count, int), np.zeros(count, int)
    going, seen, taken, alive = np.ones(count, bool), [], [], []
    while going.any() and len(seen) < LIMIT:
        state = LENGTH * row + place
        chance = np.exp(logits[state] - logits[state].max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        action = (chance.cumsum(axis=1)[:, :-1] < rng.random(count)[:, None]).sum(axis=1)
        seen.append(state)
        taken.append(action)
        alive.append(going.copy())
        moved = np.minimum(place + np.array([1, 2, 0])[action], LENGTH - 1)
        place = np.where(going, moved, place)
        row = np.where(going & (action == CROSS), 1 - row, row)
        going &= ~((place == LENGTH - 1) & (row == 0))
    seen.append(LENGTH * row + place)
    states, actions = np.array(seen).T, np.array(taken).T
    steps = np.array(alive).T.sum(axis=1)
    episodes, rows = [], []
    for i, T in enumerate(steps):
        own, done = states[i, : T + 1], actions[i, :T]
        ends = np.arange(T) == T - 1
        home = own[-1] == LENGTH - 1
        info = {
            "water": np.isin(own[1:], WET).astype(float),
            "effort": ENERGY[done],
            "goal": (ends & home).astype(float),
        }
        episodes.append(Episode(own, done, info["goal"], ends & home, ends & ~home, info))
        rows.append((own[:-1], done))
    return episodes, rows


def train(
    score: Callable[[Any], Any],
    rng: np.random.Generator,
    *,
    rounds: int,
    group: int = 8,
    groups: int = 4,
) -> Any:
    """REINFORCE: an episode's score less its group's mean is its advantage; ``(states, actions)`` logits."""
    logits = np.zeros((STATES, ACTIONS))
    for _ in range(rounds):
        episodes, rows = play(logits, group * groups, rng)
        uphill = np.zeros_like(logits)
        for g in range(0, len(rows), group):
            paid = np.asarray(score(episodes[g : g + group]))
            for own, (states, actions) in zip(paid - paid.mean(), rows[g : g + group], strict=True):
                chance = np.exp(logits[states] - logits[states].max(axis=1, keepdims=True))
                gradient = -chance / chance.sum(axis=1, keepdims=True)
                gradient[np.arange(len(actions)), actions] += 1.0
                np.add.at(uphill, states, own * gradient)
        logits += uphill / groups
    return logits


def told(episodes: list[Episode]) -> dict[str, Any]:
    """What came of each, ``(n,)``: steps, energy, steps in the water, whether it arrived."""
    return {
        "time": np.array([len(e) for e in episodes], float),
        "energy": np.array([e.info["effort"].sum() for e in episodes]),
        "water": np.array([e.info["water"].sum() for e in episodes]),
        "arrived": np.array([e.info["goal"].sum() for e in episodes]),
    }


def counts(episodes: list[Episode]) -> Any:
    """How often each state and action came, ``(n, states * actions)``: features for a preference model."""
    found = np.zeros((len(episodes), STATES * ACTIONS))
    for i, e in enumerate(episodes):
        np.add.at(found[i], ACTIONS * e.obs[:-1] + e.action, 1.0)
    return found
