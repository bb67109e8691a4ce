"""What the wall costs: ``python -m tests.bench.sandbox``, about three minutes.

Every step is timed alone, variants take turns inside one process, and the first variant comes twice as the
A/A control. The median of single steps is what counts: where a step is preempted by whoever else is on the
machine, one number out of hundreds is spoiled instead of a whole block. Beside it stand the lower decile and
the time on the processor, of trainer and worker together: both alternate, so on a free machine it is the
wall time less the wake-ups, and on a busy one it is the only number without the neighbours.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.ways import CHECKED
from tests.bench.tapes import tape

TEXT = """
def reward(obs, action, next_obs, info):
    forward = next_obs[:, 8]
    effort = -0.1 * np.square(action).sum(axis=-1)
    level = np.exp(-np.square(next_obs[:, 1]))
    calm = -0.01 * np.mean(np.abs(next_obs[:, 9:]), axis=-1)
    total = forward + effort + level + calm
    return total, {"forward": forward, "effort": effort, "level": level, "calm": calm}
"""
Spent: TypeAlias = dict[str, np.ndarray]
NAMES: dict[str, object] = {"np": np}
exec(TEXT, NAMES)
FUNCTION: Callable[..., tuple[np.ndarray, dict[str, np.ndarray]]] = NAMES["reward"]  # type: ignore[assignment]


@rw.register("bench_here")
class Here(rw.Reward):
    """The same function in this process, its components recorded by hand."""

    def __call__(self, batch: Transitions) -> np.ndarray:
        total, parts = FUNCTION(batch.obs, batch.action, batch.next_obs, batch.info)
        batch.terms.update(parts)
        return total


def timed(
    steps: Mapping[str, Callable[[int], object]],
    count: int,
    rounds: int,
    workers: Mapping[str, int | None],
) -> Spent:
    """Microseconds of a step of each variant: median, lower decile, median on the processor.

    Args:
        steps: Variants; called with the number of the step.
        count: Steps of one turn.
        rounds: Turns of each variant.
        workers: Process ids of those that have a worker.
    """
    spent = {name: np.empty((rounds, count)) for name in steps}
    busy = {name: np.empty(rounds) for name in steps}
    order, names, clock = np.random.default_rng(0), list(steps), time.perf_counter_ns
    gc.collect()
    gc.disable()
    for turn in range(rounds):
        for k in order.permutation(len(names)):
            name = names[k]
            step, row = steps[name], spent[name][turn]
            before = on_processor(workers.get(name))
            for i in range(count):
                began = clock()
                step(i)
                row[i] = clock() - began
            busy[name][turn] = (on_processor(workers.get(name)) - before) / count
    gc.enable()
    return {
        name: np.array([*np.quantile(spent[name], (0.5, 0.1)), np.median(busy[name])]) / 1e3
        for name in steps
    }


def on_processor(worker: int | None) -> int:
    """Nanoseconds that this process and a worker have run."""
    own = time.process_time_ns()
    if worker is None:
        return own
    return own + int(Path(f"/proc/{worker}/schedstat").read_text().split()[0])


def batch_of(lanes: int) -> Transitions:
    """Transitions of the size of HalfCheetah's."""
    rng, nobody = np.random.default_rng(0), np.zeros(lanes, bool)
    return Transitions(
        obs=rng.normal(size=(lanes, 17)),
        action=rng.normal(size=(lanes, 6)).astype(np.float32),
        next_obs=rng.normal(size=(lanes, 17)),
        reward=np.zeros(lanes),
        terminated=nobody,
        truncated=nobody,
        first=nobody,
    )


def floating(code: rw.CodeReward) -> rw.CodeReward:
    """The same worker, left to the scheduler: what following the trainer's core is compared with."""
    process = code._ways[-1].session._process
    assert process is not None
    process._core = None
    os.sched_setaffinity(process.pid, range(os.cpu_count() or 1))
    return code


def translated(batch: Transitions) -> rw.CodeReward:
    """The same code as numpy operations of this process, confirmed by the worker, which is gone."""
    code = rw.CodeReward(TEXT)
    for _ in range(CHECKED):
        code(batch)
    assert code.where == "calculus"
    return code


def calls(rounds: int) -> None:
    """One vector step: the worker over the same function here."""
    print("us per vector step   median (lower decile; on processor)             added, goal 18 us")
    print(
        "lanes     here       here2     translated      worker      floating   worker               floating"
    )
    for lanes in (1, 8, 16, 64, 256):
        batch = batch_of(lanes)
        here, code, loose = (
            Here(),
            rw.CodeReward(TEXT, confine="process"),
            rw.CodeReward(TEXT, confine="process", deadline=2.0),  # a worker of its own
        )
        for reward in (code, loose):
            np.testing.assert_allclose(here(batch), reward(batch))
        free = translated(batch)
        rewards = {
            "here": here,
            "here2": here,
            "translated": free,
            "worker": code,
            "floating": floating(loose),
        }

        def step(reward: rw.Reward, batch: Transitions = batch) -> Callable[[int], object]:
            return lambda _: reward(batch)

        workers = {"worker": code.worker, "floating": loose.worker}
        steps = {name: step(reward) for name, reward in rewards.items()}
        spent = timed(steps, 250, rounds, workers)
        shown = "".join(f"{spent[n][0]:7.1f} ({spent[n][1]:4.1f})" for n in rewards)
        added = [spent[name] - spent["here"] for name in workers]
        print(
            f"{lanes:5d}{shown}",
            "".join(f"  {a[0]:+5.1f} ({a[1]:+5.1f}; {a[2]:+5.1f})" for a in added),
        )
        code.close()
        loose.close()


def cheetah(rounds: int, lanes: int = 16, steps: int = 50) -> None:
    """HalfCheetah x16: wrapped over bare, and over the same function in this process."""

    def made() -> DummyVecEnv:
        return DummyVecEnv([lambda: gym.make("HalfCheetah-v5")] * lanes)

    codes = [rw.CodeReward(TEXT, confine="process", deadline=d) for d in (1.0, 2.0)]
    envs = {
        "bare": made(),
        "bare2": made(),
        "here": rw.wrap(made(), Here()),
        "translated": rw.wrap(made(), rw.CodeReward(TEXT)),
        "worker": rw.wrap(made(), codes[0]),
        "floating": rw.wrap(made(), codes[1]),
    }
    actions = tape(envs["bare"].action_space, steps, lanes)
    for env in envs.values():
        env.reset()
        for action in actions[: CHECKED + 1]:
            env.step(action)
    floating(codes[1])

    def step(env: DummyVecEnv) -> Callable[[int], object]:
        return lambda i: env.step(actions[i])

    workers = {"worker": codes[0].worker, "floating": codes[1].worker}
    spent = timed({name: step(env) for name, env in envs.items()}, steps, rounds, workers)
    print(f"HalfCheetah-v5 x{lanes}, us per step: median, lower decile, on processor")
    for name in envs:
        print(f"{name:10s}", *(f"{number:7.0f}" for number in spent[name]))
    for name, base, goal in (
        ("bare2", "bare", "control"),
        ("worker", "bare", "goal: speed >= 0.93"),
        ("floating", "bare", ""),
        ("here", "bare", ""),
        ("translated", "here", "goal: time <= 1.03"),
        ("worker", "here", "goal: time <= 1.05"),
        ("floating", "here", ""),
    ):
        ratio = spent[name] / spent[base]
        shown = [f"{r:.3f}" for r in ratio] + [f"{1 / r:.3f}" for r in ratio]
        print(
            f"{name:10s}/ {base:5s} time {', '.join(shown[:3])}; speed {', '.join(shown[3:])}  {goal}"
        )
    for code in codes:
        code.close()


def one_lane(rounds: int, steps: int = 200) -> None:
    """A single environment: translated over the same function in this process, and over bare."""
    for env_id in ("CartPole-v1", "HalfCheetah-v5"):
        text = TEXT if env_id == "HalfCheetah-v5" else CARTPOLE
        names: dict[str, object] = {"np": np}
        exec(text, names)
        function: object = names["reward"]

        def total(obs: object, action: object, next_obs: object, f: object = function) -> object:
            return f(obs, action, next_obs, {})[0]  # type: ignore[operator]

        envs = {
            "bare": gym.make(env_id),
            "bare2": gym.make(env_id),
            "here": rw.wrap(gym.make(env_id), rw.function(total)),
            "translated": rw.wrap(gym.make(env_id), rw.CodeReward(text)),
        }
        actions = [envs["bare"].action_space.sample() for _ in range(steps)]
        for env in envs.values():
            env.reset(seed=0)
            for action in actions[: 2 * CHECKED]:
                if any(env.step(action)[2:4]):
                    env.reset()

        def step(env: gym.Env, actions: list = actions) -> Callable[[int], object]:  # type: ignore[type-arg]
            def one(i: int) -> None:
                if any(env.step(actions[i])[2:4]):
                    env.reset()

            return one

        spent = timed({name: step(env) for name, env in envs.items()}, steps, rounds, {})
        ratios = ((a, b, spent[a] / spent[b]) for a, b in PAIRS)
        shown = "; ".join(f"{a} / {b} {r[0]:.3f} ({r[1]:.3f})" for a, b, r in ratios)
        print(f"one {env_id}, median (lower decile): {shown}")


PAIRS = (("bare2", "bare"), ("here", "bare"), ("translated", "bare"), ("translated", "here"))
CARTPOLE = """
def reward(obs, action, next_obs, info):
    upright = np.cos(next_obs[:, 2])
    centre = -0.1 * np.abs(next_obs[:, 0])
    return upright + centre, {"upright": upright, "centre": centre}
"""


def start(times: int = 7) -> None:
    """From nothing to the first reward."""
    batch = batch_of(4)
    taken = []
    for _ in range(times):
        reward = rw.CodeReward(TEXT, confine="process")
        began = time.perf_counter()
        reward(batch)
        taken.append(time.perf_counter() - began)
        reward.close()
    print(f"start: median {np.median(taken):.3f} s, best {min(taken):.3f} s  goal 0.4 s")


def growth(count: int) -> None:
    """Memory and descriptors before and after many calls."""
    batch = batch_of(16)
    reward = rw.CodeReward(TEXT, confine="process")

    def state() -> list[int]:
        pages = [
            int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            for pid in (os.getpid(), reward.worker)
        ]
        return [4 * page for page in pages] + [len(os.listdir("/proc/self/fd"))]

    for _ in range(1000):
        reward(batch)
    before, began = state(), time.perf_counter()
    for _ in range(count):
        reward(batch)
    each = (time.perf_counter() - began) / count * 1e6
    print(
        f"{count} calls, {each:.1f} us each: trainer KiB, worker KiB, descriptors {before} -> {state()}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="turns of each variant")
    parser.add_argument(
        "--calls", type=int, default=1_000_000, help="for memory and descriptors; 0 leaves it out"
    )
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; numpy {np.__version__}")
    start()
    calls(options.rounds)
    cheetah(options.rounds)
    one_lane(options.rounds)
    if options.calls:
        growth(options.calls)


if __name__ == "__main__":
    main()
