"""PPO on Pong's pixels beside RL Zoo's: ``python -m tests.bench.atari --zoo PYTHON [--steps 9216]``.

Both train as their commands do, with RL Zoo's own hyperparameters (the presets are the same), clipped
rewards, eight lanes, no evaluation but ours of one game at the end, one thread. ``PYTHON`` is the interpreter
of an environment in which rl_zoo3 and ale-py are installed. Each trains a short and a long run, in turn;
frames per second are those between the two, of processor time with all threads, so that starting counts for
nobody. The first is run twice as the A/A control.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

SHORT, FRAMES = 1024, 4
OURS = (
    "-m",
    "rewardwrap",
    "train",
    "ALE/Pong-v5",
    "--algo",
    "ppo",
    "--reward",
    "{sign: {base: env}}",
)
QUIET = ("--eval-freq", "10000000", "--eval-episodes", "1", "--device", "cpu", "--verbose", "0")
ZOO = (
    "-m",
    "rl_zoo3.train",
    "--algo",
    "ppo",
    "--env",
    "PongNoFrameskip-v4",
    "--gym-packages",
    "ale_py",
)
ZOO_QUIET = ("--eval-freq", "-1", "--device", "cpu", "--verbose", "0", "--num-threads", "1")


def variants(zoo: str) -> dict[str, tuple[str, ...]]:
    """Name -> a command that lacks the number of steps and a folder."""
    theirs = (zoo, *ZOO, *ZOO_QUIET)
    ours = (sys.executable, *OURS, *QUIET)
    return {
        "RL Zoo": theirs,
        "RL Zoo, again": theirs,
        "rewardwrap": ours,
        "rewardwrap, ale-vector": (*ours, "--backend", "ale-vector"),
    }


def seconds(command: tuple[str, ...], steps: int) -> tuple[float, float]:
    """Processor time and wall time of one training."""
    with tempfile.TemporaryDirectory() as folder:
        before, began = os.times(), time.perf_counter()
        # each writes beside itself too
        subprocess.run(
            [*command, "-n", str(steps), "-f", folder], cwd=folder, check=True,
            stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        after = os.times()
    return sum(after[2:4]) - sum(before[2:4]), time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", required=True, metavar="PYTHON")
    parser.add_argument("--steps", type=int, default=9216, help="more than 1,024, of 4 frames each")
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    work, found = variants(options.zoo), {}
    for turn in range(options.turns):
        for name, command in work.items():
            short, long = (np.array(seconds(command, n)) for n in (SHORT, options.steps))
            fps = (options.steps - SHORT) * FRAMES / (long - short)
            found.setdefault(name, []).append(fps[0])
            print(
                f"turn {turn}, {name}: {fps[0]:.0f} frames/s of processor, {fps[1]:.0f} of the wall",
                flush=True,
            )
    base = np.median(found["RL Zoo"])
    for name, fps in found.items():
        print(f"{name}: {np.median(fps):.0f} frames/s, {np.median(fps) / base:.2f} of RL Zoo")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
