"""The audit's goals: ``python -m tests.bench.audit [cost|honest|planted]``.

cost: CPU time that recording and looking add to a step of 8 lanes, with an A/A control.
honest: share of honest episodes that stand in any finding.
planted: after how many episodes a planted exploit is found.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.core import tree
from rewardwrap.evaluate.audit.live import Tap, bounds
from rewardwrap.evaluate.audit.play import Behaviour, play, random_behaviour, scripted_behaviour
from rewardwrap.evaluate.audit.watch import Watch
from rewardwrap_policies.scripted import CONTROLLERS
from tests.bench.tapes import tape
from tests.bench.timing import Block, Estimate, measure

LANES = 8
GAMMA = 0.99


def energy(obs: Any) -> Any:
    """MountainCar: 100 * min(0, energy - energy at the goal) over its range; at most 0."""
    made = obs[:, 1] ** 2 / 2 + 0.0025 * np.sin(3 * obs[:, 0]) / 3
    top, bottom = 0.0025 * np.sin(3 * 0.5) / 3, -0.0025 / 3
    return 100 * np.minimum(0.0, (made - top) / (top - bottom))


def upright(obs: Any) -> Any:
    """CartPole: how upright, at least 0."""
    return 10 * (1 - np.abs(obs[:, 2]) / 0.42)


def swing(obs: Any) -> Any:
    """Pendulum: minus the energy that lacks; at most 0."""
    return -10 * np.abs(obs[:, 2] ** 2 / 6 + 5 * (obs[:, 0] - 1))


def tip(obs: Any) -> Any:
    """Acrobot: 100 * min(0, (height of the tip - 1) / 3); at most 0."""
    c1, s1, c2, s2 = obs[:, 0], obs[:, 1], obs[:, 2], obs[:, 3]
    height = -c1 - (c1 * c2 - s1 * s2)
    return 100 * np.minimum(0.0, (height - 1) / 3)


PHI: dict[str, Callable[[Any], Any]] = {
    "MountainCar-v0": energy, "CartPole-v1": upright, "Pendulum-v1": swing, "Acrobot-v1": tip,
}  # fmt: skip


@rw.register("bench_handwritten_potential")
class Handwritten(rw.Reward):
    """The same shaping as a user's own class: nothing tells the audit that it is a potential."""

    env: str

    def __call__(self, batch: rw.Transitions) -> Any:
        phi = PHI[self.env]
        after = np.where(batch.terminated, 0.0, phi(batch.next_obs))
        return GAMMA * after - phi(batch.obs)


@rw.register("bench_one_sided")
class OneSided(rw.Reward):
    """``max(0, Phi(s') - Phi(s))`` on FrozenLake: progress is paid, going back is free."""

    def __call__(self, batch: rw.Transitions) -> Any:
        after, before = (
            np.asarray(o) // 8 + np.asarray(o) % 8 for o in (batch.next_obs, batch.obs)
        )
        return np.maximum(0.0, (after - before) / 14.0)


def honest_rewards(env: str) -> dict[str, rw.Reward]:
    """Rewards under which an agent can only be paid for the task."""
    shaped = rw.EnvReward() + rw.Potential(PHI[env]).named("potential")
    lifted = rw.EnvReward() + rw.Potential(lambda obs: PHI[env](obs) - 100.0).named("potential")
    return {
        "env": rw.EnvReward(),
        "env + potential": shaped,
        "env + potential - 100": lifted,
        "env + handwritten potential": rw.EnvReward() + Handwritten(env).named("shaping"),
        "0.1 env": 0.1 * rw.EnvReward(),
    }


def noisy(controller: Callable[[Any], Any], space: Any, rng: np.random.Generator) -> Any:
    """A controller that acts at random every fifth step."""
    return lambda obs: space.sample() if rng.random() < 0.2 else controller(obs)


def watched(env: Any) -> Watch:
    """An audit of an environment."""
    return Watch(
        env.term_names, env.num_envs, gamma=GAMMA, reward=env.reward, task=env.task,
        bounds=bounds(env.observation_space),
    )  # fmt: skip


def honest(episodes: int, seeds: int) -> Iterator[tuple[str, str, str, int, int, set[str]]]:
    """Environment, reward, behaviour, episodes, how many were flagged, and by what."""
    for name in PHI:
        for title, reward in honest_rewards(name).items():
            for who in ("random", "scripted", "scripted, 20 % random"):
                played, flagged, signals = 0, 0, set()
                for seed in range(seeds):
                    venv = rw.make(name, reward, n_envs=4, seed=seed, gamma=GAMMA)
                    rng = np.random.default_rng(seed)
                    watch = watched(venv)
                    behaviour: Behaviour = random_behaviour(venv, rng)
                    if who != "random":
                        controller = CONTROLLERS[name]
                        if who != "scripted":
                            controller = noisy(controller, venv.action_space, rng)
                        behaviour = scripted_behaviour(controller, 4)
                    play(venv, behaviour, watch, episodes, seed=1000 * seed)
                    record = watch.record()
                    venv.close()
                    played += record.episodes
                    flagged += len(record.findings.flagged)
                    signals |= {f.signal for f in record.findings}
                yield name, title, who, played, flagged, signals


def planted(seeds: int) -> Iterator[tuple[str, list[int]]]:
    """Exploit, and for each seed the number of episodes until it stood in a finding."""
    loop = rw.EnvReward() + OneSided().named("progress")
    alive = rw.EnvReward() + rw.Constant(2.0).named("alive")
    small = rw.EnvReward() + rw.Constant(0.01).named("alive")
    cases: dict[str, tuple[str, rw.Reward, Any]] = {
        "FrozenLake, one-sided progress, back and forth": ("FrozenLake-8x8", loop, "shuttle"),
        "FrozenLake, one-sided progress, random": ("FrozenLake-8x8", loop, "random"),
        "MountainCar, alive +2, coasting": ("MountainCar-v0", alive, 1),
        "MountainCar, alive +2, random": ("MountainCar-v0", alive, "random"),
        "FrozenLake, alive +0.01, waiting at the wall": ("FrozenLake-8x8", small, 0),
    }
    for title, (name, reward, who) in cases.items():
        found = []
        for seed in range(seeds):
            venv = rw.make(name, reward, n_envs=1, seed=seed, gamma=GAMMA)
            rng = np.random.default_rng(seed)
            watch = watched(venv)
            behaviour = random_behaviour(venv, rng)
            if who == "shuttle":
                behaviour = lambda obs: np.where(np.asarray(obs) % 8 == 0, 2, 0)  # noqa: E731
            elif who != "random":
                behaviour = lambda obs, a=who: np.full(len(obs), a)  # noqa: E731
            play(venv, behaviour, watch, 10, seed=seed)
            flagged = watch.record().findings.flagged
            found.append(min(flagged) + 1 if flagged else -1)
            venv.close()
        yield title, found


def cost(pairs: int) -> Iterator[tuple[str, float, Estimate, float]]:
    """Environment, CPU us of a bare step, added CPU us per environment step, A/A control."""
    for name in ("CartPole-v1", "MountainCar-v0", "Pendulum-v1"):
        for title in ("env + potential", "env + handwritten potential"):
            reward = honest_rewards(name)[title]

            def lanes(reward: rw.Reward = reward, name: str = name) -> Any:
                venv = DummyVecEnv([lambda: gym.make(name)] * LANES)
                return rw.wrap(venv, reward, gamma=GAMMA)

            plain, second, audited = lanes(), lanes(), lanes()
            actions = tape(plain.action_space, 400, LANES)
            blocks = {
                "bare": _block(plain, actions, None),
                "bare2": _block(second, actions, None),
                "audited": _block(audited, actions, watched(audited)),
            }
            times = measure(blocks, steps=len(actions) * LANES, pairs=pairs)
            added = Estimate.of((times.ns["audited"] - times.ns["bare"]) / 1e3)
            yield f"{name}, {title}", float(np.median(times.ns["bare"])) / 1e3, added, times.control


def _block(venv: Any, actions: list[Any], watch: Watch | None) -> Block:
    """What `rewardwrap.evaluate.Audit` does at every step, without a learner around it."""
    tap = None
    if watch is not None:
        tap = venv.venv = Tap(venv.venv)
    venv.seed(0)
    first = venv.reset()
    if watch is not None:
        watch.begin(first, venv.reset_infos)

    def block() -> None:
        for action in actions:
            obs, _, dones, infos = venv.step(action)
            if watch is None or tap is None:
                continue
            watch.step(venv.reward_terms, tap.obs)
            if np.count_nonzero(dones):
                for lane in np.flatnonzero(dones).tolist():
                    watch.end(
                        lane, 0, terminated=not infos[lane].get("TimeLimit.truncated", False),
                        last=tap.terminal[lane], info=infos[lane], first=tree.take(obs, lane),
                        first_info=venv.unwrapped.reset_infos[lane],
                    )  # fmt: skip

    return block


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.audit", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("cost", "honest", "planted"))
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=40)
    options = parser.parse_args()
    if options.what in (None, "cost"):
        for title, bare, added, control in cost(options.pairs):
            print(
                f"{title}: {added.value:.2f} [{added.low:.2f}, {added.high:.2f}] us added to "
                f"{bare:.2f} us per env step; A/A {control:.3f}"
            )
    if options.what in (None, "planted"):
        for title, found in planted(options.seeds):
            print(f"{title}: first found in episode {found} (-1: not within 10)")
    if options.what in (None, "honest"):
        total = flagged_total = 0
        for env, title, who, played, flagged, signals in honest(options.episodes, options.seeds):
            said = f" ({', '.join(sorted(signals))})" if signals else ""
            print(f"{env} | {title} | {who}: {flagged}/{played}{said}", flush=True)
            total, flagged_total = total + played, flagged_total + flagged
        print(f"all: {flagged_total}/{total} = {flagged_total / total:.2%}")


if __name__ == "__main__":
    main()
