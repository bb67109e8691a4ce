"""What works on this machine, found out by doing it, and the one command that mends the rest.

Every probe runs in a process of its own: a graphics library that aborts takes nothing else with it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

TIMEOUT = 120.0
BETWEEN = "\x1e"
BACKENDS = ("egl", "osmesa", "glfw")
_EXTRA = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?[^;]*;.*extra == ['\"]([a-z]+)['\"]")

PHYSICS = """
import gymnasium, mujoco
env = gymnasium.make("Hopper-v5")
env.reset(seed=0)
env.step(env.action_space.sample())
print("mujoco", mujoco.__version__)
"""
RENDERING = """
import gymnasium
env = gymnasium.make("InvertedPendulum-v5", render_mode="rgb_array")
env.reset(seed=0)
image = env.render()
assert image.std() > 0, "the picture is empty"
print("x".join(map(str, image.shape)))
"""
ATARI = """
import ale_py, cv2, gymnasium
gymnasium.register_envs(ale_py)
gymnasium.make("ALE/Pong-v5").reset(seed=0)
print("ale-py", ale_py.__version__)
"""
TORCH = """
import os, torch
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
threads = torch.get_num_threads()
assert threads <= cores, f"{threads} threads on {cores} cores"
cuda = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
print(f"torch {torch.__version__}, {threads} threads on {cores} cores, {cuda}")
"""
LEARNER = """
from stable_baselines3 import PPO
PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, n_epochs=1).learn(32)
import stable_baselines3
print("stable-baselines3", stable_baselines3.__version__)
"""
TENSORBOARD = """
import tempfile, tensorboard
from torch.utils.tensorboard import SummaryWriter
with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
    writer.add_scalar("a", 1.0, 0)
print("tensorboard", tensorboard.__version__)
"""


@dataclass(frozen=True)
class Finding:
    """One thing that works or not.

    Args:
        name: What was tried.
        works: Whether it does.
        detail: Versions, or what went wrong.
        fix: The command that mends it; empty where nothing is broken.
        optional: Whether rewardwrap runs without it.
    """

    name: str
    works: bool
    detail: str
    fix: str = ""
    optional: bool = False


def examine() -> list[Finding]:
    """Try everything; takes some seconds."""
    learning = (
        ("torch", TORCH, "export OMP_NUM_THREADS=1"),
        ("stable-baselines3", LEARNER, "pip install 'stable-baselines3>=2.7'"),
        ("TensorBoard", TENSORBOARD, "pip install tensorboard"),
    )
    with ThreadPoolExecutor(max_workers=2) as pool:
        physics, pictures = pool.submit(_probe, PHYSICS), pool.submit(_graphics)
        learned, atari = (
            pool.submit(_probes, [code for _, code, _ in learning]),
            pool.submit(_probe, ATARI),
        )
        found = [
            _finding(
                "MuJoCo physics",
                *physics.result(),
                fix="pip install 'gymnasium[mujoco]' 'mujoco<5'",
            ),
            pictures.result(),
            *(
                _finding(name, *result, fix=fix)
                for (name, _, fix), result in zip(learning, learned.result(), strict=True)
            ),
            _finding(
                "Atari games", *atari.result(), fix="pip install 'rewardwrap[atari]'", optional=True
            ),
        ]
    return [*found, *_extras()]


def _finding(name: str, works: bool, detail: str, *, fix: str, optional: bool = False) -> Finding:
    return Finding(name, works, detail, "" if works else fix, optional)


def _graphics() -> Finding:
    """Whether pictures come out as things are set now, or which setting would make them."""
    name, now = "MuJoCo pictures", os.environ.get("MUJOCO_GL", "")
    works, detail = _probe(RENDERING)
    if works:
        return Finding(name, True, f"{now or 'default backend'}, {detail}", optional=True)
    for backend in BACKENDS:
        if backend != now and _probe(RENDERING, {"MUJOCO_GL": backend})[0]:
            shown = f"not with {now or 'the default backend'}, but with {backend}"
            return Finding(name, False, shown, f"export MUJOCO_GL={backend}", optional=True)
    tried = f"none of {', '.join(BACKENDS)} works: {detail}"
    fix = "sudo apt-get install -y libegl1 libgl1 && export MUJOCO_GL=egl"
    return Finding(name, False, tried, fix, optional=True)


def _probes(codes: Sequence[str]) -> list[tuple[bool, str]]:
    """Each code after the other in one process, which imports torch once; alone, where one fails."""
    works, said = _ran(f"\nprint({BETWEEN!r})\n".join(codes))
    if not works:
        return [_probe(code) for code in codes]
    return [(True, _last(part)) for part in said.split(BETWEEN)]


def _probe(code: str, env: Mapping[str, str] | None = None) -> tuple[bool, str]:
    """Run code elsewhere: whether it worked, and its last line."""
    works, said = _ran(code, env)
    return works, _last(said)


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _ran(code: str, env: Mapping[str, str] | None = None) -> tuple[bool, str]:
    """Whether it worked, and what it printed, or said in error."""
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {TIMEOUT:.0f} s"
    works = ended.returncode == 0
    said = ended.stdout if works else ended.stderr
    return works, said if said.strip() else f"ended with code {ended.returncode}"


def _extras() -> list[Finding]:
    """The optional parts, as the package itself declares them."""
    parts: dict[str, list[str]] = {}
    for requirement in requires("rewardwrap") or []:
        match = _EXTRA.match(requirement)
        if match and match[1] != "rewardwrap" and match[2] not in ("all", "dev"):
            parts.setdefault(match[2], []).append(match[1])
    return [_extra(name, packages) for name, packages in sorted(parts.items())]


def _extra(name: str, packages: list[str]) -> Finding:
    present, absent = [], []
    for package in packages:
        try:
            present.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            absent.append(package)
    detail = f"lacks {', '.join(absent)}" if absent else ", ".join(present)
    fix = f"pip install 'rewardwrap[{name}]'" if absent else ""
    return Finding(f"extra [{name}]", not absent, detail, fix, optional=True)
