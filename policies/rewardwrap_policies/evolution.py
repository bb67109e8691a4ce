"""Search without gradients: lists of moves that evolve, and networks whose weights do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from rewardwrap_policies.errors import PresetError

IntArray = npt.NDArray[np.int64]
Run = tuple[bool, float, int]
"""Whether a run kept the limits, its return, and its steps."""


@dataclass
class Moves:
    """A list of moves that is played blindly, and how it was found; ``predict`` as an agent's.

    Args:
        moves: ``(T,)``; after the last one they begin again.
        fitness: Return of the run.
        feasible: Whether it kept the limits.
        history: Steps so far and the best fitness, after each generation.
        population: ``(P, T)``, the best first, to go on from.
        rate: Chance of a mutation, to go on from.
        draws: State of the generator, to go on from.
    """

    moves: IntArray
    fitness: float
    feasible: bool
    history: list[tuple[int, float]] = field(default_factory=list)
    population: IntArray | None = None
    rate: float = 0.01
    draws: dict[str, Any] | None = None

    def predict(
        self, obs: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[IntArray, tuple[IntArray]]:
        """The next move of each lane; ``state`` is how many each has made."""
        starts = np.ones(len(obs), bool) if episode_start is None else np.ravel(episode_start)
        made = np.zeros(len(starts), np.int64) if state is None else np.where(starts, 0, state[0])
        return self.moves[made % len(self.moves)], (made + 1,)

    def document(self) -> dict[str, Any]:
        """As JSON knows it; `read` makes it again."""
        rows = None if self.population is None else self.population.tolist()
        return {**vars(self), "moves": self.moves.tolist(), "population": rows}

    @classmethod
    def read(cls, document: dict[str, Any]) -> Moves:
        """What `document` gave."""
        made = cls(**document)
        made.moves = np.asarray(made.moves, np.int64)
        made.history = [(int(step), float(fitness)) for step, fitness in made.history]
        if made.population is not None:
            made.population = np.asarray(made.population, np.int64)
        return made


def genetic(
    make: Callable[[], gymnasium.Env[Any, Any]],
    *,
    budget: int,
    population: int = 20,
    length: int = 300,
    tail: float = 0.8,
    feasible: Callable[[dict[str, Any]], bool] | None = None,
    start: Moves | None = None,
    seed: int = 0,
    mapped: Callable[..., Iterable[Run]] = map,
    on_generation: Callable[[Moves], None] | None = None,
) -> Moves:
    """A genetic algorithm on lists of moves: elitist, by tournaments, mutated where a run ended.

    The best list of a generation survives as it is, so the best fitness never falls. Each other one is a
    winner of two tournaments of three, crossed at one point, whose moves within the last ``tail`` of those
    that were played mutate. The chance to mutate grows by 0.005 in a generation without progress, and is
    0.01 after one with.

    Args:
        make: Makes the environment; it must be deterministic and have Discrete actions.
        budget: In environment steps.
        population: Lists.
        length: Moves of a list.
        tail: Share of the moves that were played, from their end.
        feasible: Last ``info`` of a run -> whether it kept the limits; who did stands above all who did not.
        start: Goes on from there, with its draws, as if there had been no stop.
        seed: Of everything that is drawn.
        mapped: ``map`` of a pool of workers, for parallel runs; ``make`` and ``feasible`` must then pickle.
        on_generation: Called with what was found so far.

    Raises:
        PresetError: Fewer than two lists, or other actions.

    Source: Jain, Optimizing Mario under constraints, 2023, arXiv 2312.14963: population 20, elite, last 80 %
        of the moves, rates. Deviation: crossing at one point, which its code has and its text does not.

    Example:
        >>> import rewardwrap_envs
        >>> make = lambda: gymnasium.make("rewardwrap/Runner-v0", level=1)
        >>> found = genetic(make, budget=3000, seed=0)
        >>> found.fitness >= found.history[0][1]
        True
    """
    if population < 2 or length < 1:
        raise PresetError(
            f"genetic must have two lists of one move at least, got {population} of {length}. Use 20 of 300."
        )
    env = make()
    if not isinstance(env.action_space, gymnasium.spaces.Discrete):
        raise PresetError(f"genetic must have Discrete actions, got {env.action_space}. Use ne.")
    count, draws = int(env.action_space.n), np.random.default_rng(seed)
    lists = draws.integers(count, size=(population, length))
    rate, taken, history = 0.01, 0, list[tuple[int, float]]()
    best: tuple[bool, float] = (False, -np.inf)
    if start is not None and start.population is not None:
        lists, rate, history = start.population.copy(), start.rate, list(start.history)
        taken = history[-1][0] if history else 0
        budget, best = budget + taken, (start.feasible, start.fitness)
        if start.draws is not None:
            draws.bit_generator.state = start.draws
    found, play = start, _Play(make, feasible, env)
    while taken < budget or found is None:
        runs = list(mapped(play, lists))
        taken += sum(run[2] for run in runs)
        order = sorted(range(len(lists)), key=lambda i: runs[i][:2], reverse=True)
        lists, runs = lists[order], [runs[i] for i in order]
        rate = 0.01 if runs[0][:2] > best else rate + 0.005
        best = max(best, runs[0][:2])
        history.append((taken, float(best[1])))
        children = bred(lists, [run[2] for run in runs], count, rate, tail, draws)
        lists, state = children, dict(draws.bit_generator.state)
        found = Moves(lists[0].copy(), best[1], best[0], list(history), lists, rate, state)
        if on_generation is not None:
            on_generation(found)
    env.close()
    return found


def bred(
    lists: IntArray,
    steps: Sequence[int],
    count: int,
    rate: float,
    tail: float,
    draws: np.random.Generator,
) -> IntArray:
    """The next generation of lists that stand best first: the first as it is, then children.

    Args:
        lists: ``(P, T)``.
        steps: How many each played.
        count: Of the actions there are.
        rate: Chance of a mutation; at least one of the moves that were played is expected to.
        tail: Share of the moves that were played, from their end, that mutate.
        draws: What is drawn from.
    """
    children, length = lists.copy(), lists.shape[1]
    for i in range(1, len(lists)):
        # the lists are sorted: the least of three numbers wins its tournament
        one, other = (int(draws.integers(len(lists), size=3).min()) for _ in range(2))
        cut, played = int(draws.integers(length + 1)), min(steps[one], length)
        child = np.append(lists[one][:cut], lists[other][cut:])
        first = int(played * (1 - tail))
        hit = (draws.random(length) < max(rate, 1.0 / max(played, 1))) & (
            np.arange(length) >= first
        )
        children[i] = np.where(hit, draws.integers(count, size=length), child)
    return children


@dataclass
class _Play:
    """Plays lists in one environment, since to make one may take as long as to play it."""

    make: Callable[[], gymnasium.Env[Any, Any]]
    feasible: Callable[[dict[str, Any]], bool] | None
    env: gymnasium.Env[Any, Any] | None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "env": None}

    def __call__(self, moves: IntArray) -> Run:
        env = self.env = self.env or self.make()
        env.reset(seed=0)
        total, made, over, info = 0.0, 0, False, dict[str, Any]()
        while not over and made < len(moves):
            _, reward, terminated, truncated, info = env.step(int(moves[made]))
            total, made, over = total + float(reward), made + 1, terminated or truncated
        return self.feasible is None or bool(self.feasible(info)), total, made


def __getattr__(name: str) -> Any:
    if name == "NeuroEvolution":
        # sb3-contrib is an extra: the genetic algorithm does without
        from rewardwrap_policies.neuro_evolution import NeuroEvolution

        return NeuroEvolution
    raise AttributeError(f"module 'rewardwrap_policies.evolution' has no attribute {name!r}")
