"""What the wall costs: ``python -m tests.bench.sandbox``.

Wall time per vector step, variants in turn inside one process, ``here`` twice as the A/A control. Medians of
paired differences and ratios; the lower decile stands beside them, since trainer and worker share the
cores with whoever else is there.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.core.transitions import Transitions
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


def alternated(
    blocks: Mapping[str, Callable[[], object]], steps: int, pairs: int
) -> dict[str, np.ndarray]:
    """Microseconds per step of each variant, one number per repetition."""
    spent = {name: np.empty(pairs) for name in blocks}
    order = np.random.default_rng(0)
    names = list(blocks)
    for name in names:
        blocks[name]()
    gc.collect()
    gc.disable()
    for pair in range(pairs):
        for k in order.permutation(len(names)):
            start = time.perf_counter_ns()
            blocks[names[k]]()
            spent[names[k]][pair] = (time.perf_counter_ns() - start) / steps / 1e3
    gc.enable()
    return spent


def calls(pairs: int) -> None:
    """One vector step: the worker over the same function here."""
    print("lanes   here  here2  worker   added (median)  added (lower decile)  goal 18 us")
    rng = np.random.default_rng(0)
    for lanes in (1, 8, 16, 64, 256):
        nobody = np.zeros(lanes, bool)
        batch = Transitions(
            obs=rng.normal(size=(lanes, 17)),
            action=rng.normal(size=(lanes, 6)).astype(np.float32),
            next_obs=rng.normal(size=(lanes, 17)),
            reward=np.zeros(lanes),
            terminated=nobody,
            truncated=nobody,
            first=nobody,
        )
        here, code = Here(), rw.CodeReward(TEXT)
        np.testing.assert_allclose(here(batch), code(batch))

        def block(reward: rw.Reward, batch: Transitions = batch) -> Callable[[], object]:
            return lambda: [reward(batch) for _ in range(40)]

        spent = alternated(
            {"here": block(here), "here2": block(here), "worker": block(code)}, 40, pairs
        )
        added = spent["worker"] - spent["here"]
        low = np.quantile(spent["worker"], 0.1) - np.quantile(spent["here"], 0.1)
        medians = [float(np.median(spent[name])) for name in ("here", "here2", "worker")]
        shown = "  ".join(f"{m:5.1f}" for m in medians)
        print(f"{lanes:5d}  {shown}  {np.median(added):10.1f}  {low:18.1f}")
        code.close()


def cheetah(pairs: int, lanes: int = 16, steps: int = 50) -> None:
    """HalfCheetah x16: wrapped over bare, and over the same function in this process."""

    def made() -> DummyVecEnv:
        return DummyVecEnv([lambda: gym.make("HalfCheetah-v5")] * lanes)

    envs = {
        "bare": made(),
        "bare2": made(),
        "here": rw.wrap(made(), named_here()),
        "worker": rw.wrap(made(), rw.CodeReward(TEXT)),
    }
    actions = tape(envs["bare"].action_space, steps, lanes)
    for env in envs.values():
        env.reset()

    def block(env: DummyVecEnv) -> Callable[[], object]:
        return lambda: [env.step(action) for action in actions]

    spent = alternated({name: block(env) for name, env in envs.items()}, steps, pairs)
    for name, base, goal in (
        ("bare2", "bare", "control"),
        ("worker", "bare", "speed >= 0.93"),
        ("here", "bare", ""),
        ("worker", "here", "time <= 1.05"),
    ):
        ratio = spent[name] / spent[base]
        low = np.quantile(spent[name], 0.1) / np.quantile(spent[base], 0.1)
        print(
            f"{name:7s}/ {base:5s} time {np.median(ratio):.3f} (lower decile {low:.3f}), "
            f"speed {1 / np.median(ratio):.3f}  {goal}"
        )


def named_here() -> rw.Reward:
    """`Here` with nothing in the tree that records its components: the cheapest honest rival."""
    return Here()


def start(times: int = 7) -> None:
    """From nothing to the first reward."""
    nobody = np.zeros(4, bool)
    ones = np.ones((4, 17))
    batch = Transitions(ones, ones[:, :6], ones, np.zeros(4), nobody, nobody, nobody)
    taken = []
    for _ in range(times):
        reward = rw.CodeReward(TEXT)
        began = time.perf_counter()
        reward(batch)
        taken.append(time.perf_counter() - began)
        reward.close()
    print(f"start: median {np.median(taken):.3f} s, best {min(taken):.3f} s  goal 0.4 s")


def million(count: int) -> None:
    """Memory and descriptors before and after many calls."""
    nobody = np.zeros(16, bool)
    ones = np.ones((16, 17))
    batch = Transitions(ones, ones[:, :6], ones, np.zeros(16), nobody, nobody, nobody)
    reward = rw.CodeReward(TEXT)

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
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--million", type=int, default=0, metavar="CALLS")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    start()
    calls(options.pairs)
    cheetah(options.pairs)
    if options.million:
        million(options.million)


if __name__ == "__main__":
    main()
