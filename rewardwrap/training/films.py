"""A trained agent in pictures: an episode as a film, or in a window.

Filming happens in a process of its own, one for each graphics backend that is tried: a graphics library
that aborts, or an environment that has no pictures, costs a sentence and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gymnasium as gym

from rewardwrap.adapters.acting import Acting
from rewardwrap.core.errors import RewardwrapError, extra
from rewardwrap.core.reward import TRUE
from rewardwrap.files import whole_file
from rewardwrap.training.children import child_command

BACKENDS = ("egl", "osmesa", "glfw")
STEPS = 1000
"""Longest film, in steps of the environment."""
FPS = 30
"""Where the environment does not say."""
ATARI_FPS = 60
"""Frames a second of the console; ale-py says 30 whatever its frame skip."""
WIDTH = 480
"""Smaller pictures are enlarged to about that, pixel by pixel, so that players do not blur them."""
TIMEOUT = 600.0
NO_PICTURES = 3
"""Exit code where another backend would not help."""


class NoPictures(RewardwrapError):
    """An environment that cannot be filmed here."""


def require(needs: str) -> None:
    """Refuse before anything is trained or played.

    Raises:
        MissingExtra: imageio or its ffmpeg is not installed.
    """
    extra("imageio", needs=needs, install="video")
    extra("imageio_ffmpeg", needs=needs, install="video")


def film(
    bundle: Path, file: Path, *, seed: int, deterministic: bool, trust: Iterable[str] = ()
) -> dict[str, Any]:
    """Film one episode in a process of its own, with the first backend that works.

    Returns:
        ``file, true_return, steps, ended``, or ``problem``: why there is no film.
    """
    task = {
        "bundle": str(bundle),
        "file": str(file),
        "seed": seed,
        "deterministic": deterministic,
        "trust": list(trust),
    }
    now = os.environ.get("MUJOCO_GL")
    problem = ""
    for backend in dict.fromkeys((now, *BACKENDS)):
        env = {**os.environ, **({"MUJOCO_GL": backend} if backend else {})}
        try:
            ended = subprocess.run(
                child_command("rewardwrap.training.films"),
                input=json.dumps(task), env=env, capture_output=True, text=True,
                timeout=TIMEOUT, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"problem": f"an episode was not filmed within {TIMEOUT:.0f} s"}
        if ended.returncode == 0:
            played: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
            return played
        lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
        # what the environment says as it is set up now counts; the backends are a second try
        problem = problem or (lines[-1] if lines else f"code {ended.returncode}")
        if ended.returncode == NO_PICTURES or "mujoco" not in ended.stderr.lower():
            break
    return {"problem": f"it could not be filmed here: {problem}"}


def watch(
    bundle: Path, *, seed: int, deterministic: bool, trust: Iterable[str] = ()
) -> tuple[int, float]:
    """Play one episode in a window; its steps and true return.

    Raises:
        NoPictures: There is no window to be had here, or the environment has no pictures.
    """
    agent, venv = _agent(bundle, "human", trust)
    try:
        venv.seed(seed)
        obs = venv.reset()
        act = Acting(agent.model, venv, deterministic=deterministic)
        for steps in range(1, STEPS + 1):
            obs, _, dones, infos = venv.step(act(obs))
            act.ended(dones)
            if dones[0]:
                return steps, float(infos[0]["episode_terms"][TRUE])
        return STEPS, float(venv.episode_terms[0][venv.term_names.index(TRUE)])
    except (RuntimeError, OSError) as error:
        raise NoPictures(
            f"--render must have a screen to draw on, got: {error}. Without one, film it: "
            "--video agent.mp4."
        ) from error
    finally:
        venv.close()
        agent.close()


def record(
    bundle: Path, file: Path, *, seed: int, deterministic: bool, trust: Iterable[str] = ()
) -> dict[str, Any]:
    """Play one episode and write it as H.264, which every browser plays.

    Args:
        bundle: Of the agent.
        file: To write.
        seed: Of the episode.
        deterministic: Whether the policy's mode is played.
        trust: Modules that the bundle may name; see `rewardwrap_envs.trust`.

    Raises:
        NoPictures: The environment does not draw itself.
    """
    agent, venv = _agent(bundle, "rgb_array", trust)
    try:
        with whole_file(file) as aside:
            played = _play(agent, venv, aside, seed=seed, deterministic=deterministic)
    finally:
        venv.close()
        agent.close()
    return {"file": file.name, **played}


def _agent(bundle: Path, mode: str, trust: Iterable[str]) -> tuple[Any, Any]:
    """The agent of a bundle and one lane that draws itself."""
    from rewardwrap.core.config import from_config
    from rewardwrap.training import bundle as bundles
    from rewardwrap.training.scores import whole_groups

    settings = bundles.document(bundle, trust=trust)["settings"]
    changes = {
        "env_kwargs": {**settings["env_kwargs"], "render_mode": mode},
        "row": whole_groups(
            {**settings["row"], "n_envs": 1}, [from_config(settings["reward"])], ()
        ),
        "device": "cpu",
        "backend": "dummy",
    }
    with warnings.catch_warnings():
        # one lane fills no mini-batch; nothing is learned from it
        warnings.filterwarnings("ignore", message="You have specified a mini-batch size")
        agent = bundles.read(bundle, changes=changes, trust=trust)
    return agent, agent.eval_env(1)


def _play(agent: Any, venv: Any, file: Path, *, seed: int, deterministic: bool) -> dict[str, Any]:
    imageio: Any = extra("imageio.v2", needs="films", install="video")
    venv.seed(seed)
    obs = venv.reset()
    fps = pictures_a_second(venv.unwrapped.envs[0])
    picture = _picture(venv)
    act = Acting(agent.model, venv, deterministic=deterministic)
    total, steps, ended = 0.0, 0, False
    with imageio.get_writer(
        file, format="FFMPEG", fps=fps, codec="libx264", macro_block_size=2, quality=6,
        output_params=["-movflags", "+faststart"],
    ) as writer:  # fmt: skip
        while steps < STEPS and not ended:
            writer.append_data(_enlarged(picture))
            obs, _, dones, infos = venv.step(act(obs))
            act.ended(dones)
            steps, ended = steps + 1, bool(dones[0])
            if ended:  # the environment shows its next episode already
                total = float(infos[0]["episode_terms"][TRUE])
            else:
                total = float(venv.episode_terms[0][venv.term_names.index(TRUE)])
                picture = _picture(venv)
    return {"true_return": total, "steps": steps, "ended": ended}


def pictures_a_second(env: gym.Env[Any, Any]) -> float:
    """How fast a film is as fast as the game: one picture a step, which may be several frames."""
    fps = float(env.metadata.get("render_fps") or FPS)
    game = env.unwrapped
    if type(game).__module__.startswith("ale_py"):
        skipped = vars(game).get("_frameskip", 1)  # a pair is a range to draw from
        fps = ATARI_FPS / (skipped if isinstance(skipped, int) else (sum(skipped) - 1) / 2)
    while isinstance(env, gym.Wrapper):
        # AtariPreprocessing; MaxAndSkip of gymnasium and of stable-baselines3
        fps /= vars(env).get("frame_skip", vars(env).get("_skip", 1))
        env = env.env
    return fps


def _picture(venv: Any) -> Any:
    import numpy as np

    found = venv.env_method("render")[0]
    if not isinstance(found, np.ndarray) or found.ndim != 3 or found.shape[2] != 3:
        raise NoPictures(f"it drew {type(found).__name__} instead of a picture")
    return found


def _enlarged(picture: Any) -> Any:
    """Whole pixels larger, and an even number of them, as H.264 wants."""
    import numpy as np

    times = max(1, WIDTH // picture.shape[1])
    large = np.repeat(np.repeat(picture, times, axis=0), times, axis=1)
    return large[: large.shape[0] // 2 * 2, : large.shape[1] // 2 * 2]


def main() -> int:
    """Film what standard input names."""
    reports = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries greet on standard output
    sys.path += sys.argv[1:]
    task = json.load(sys.stdin)
    try:
        played = record(
            Path(task["bundle"]), Path(task["file"]),
            seed=task["seed"], deterministic=task["deterministic"], trust=task["trust"],
        )  # fmt: skip
    except RewardwrapError as error:
        print(error, file=sys.stderr)
        return NO_PICTURES
    print(json.dumps(played), file=reports, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
