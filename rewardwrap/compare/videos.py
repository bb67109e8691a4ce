"""The best policy of each strategy, played and filmed.

``videos/<strategy>.mp4`` shows the run with the highest final true return, on the first evaluation
seed; ``videos/videos.json`` says which run and what it scored there. Filming happens in a process of
its own, one for each graphics backend that is tried: a graphics library that aborts, or an environment
that has no pictures, costs a sentence in the report and nothing else.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym

from rewardwrap.adapters.acting import Acting
from rewardwrap.compare.executors.protocol import child_command
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import RewardwrapError, extra
from rewardwrap.core.reward import TRUE
from rewardwrap.files import whole_file, write_whole
from rewardwrap.limits import parsed
from rewardwrap_envs.trust import references

BACKENDS = ("egl", "osmesa", "glfw")
STEPS = 1000
"""Longest film, in steps of the environment."""
FPS = 30
"""Where the environment does not say."""
ATARI_FPS = 60
"""Frames a second of the console; ale-py says 30 whatever its frame skip."""
SMALL = 1_000_000
"""Bytes up to which a film is part of the report's own file."""
WIDTH = 480
"""Smaller pictures are enlarged to about that, pixel by pixel, so that players do not blur them."""
TIMEOUT = 600.0
NO_PICTURES = 3
"""Exit code where another backend would not help."""
FOLDER, INDEX = "videos", "videos.json"


class NoPictures(RewardwrapError):
    """An environment that cannot be filmed here."""


def film(specs: Sequence[Spec], store: Store, out: Path) -> list[dict[str, Any]]:
    """Film the best finished run of each strategy.

    Args:
        specs: The runs of the comparison.
        store: Where they are.
        out: The folder of the report.

    Returns:
        For each strategy ``strategy, seed, file, true_return, steps``, or ``strategy, problem``.

    Raises:
        MissingExtra: imageio or its ffmpeg is not installed.
    """
    require()
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for strategy in dict.fromkeys(spec["strategy"] for spec in specs):
        best = _best([spec for spec in specs if spec["strategy"] == strategy], store)
        if best is None:
            found.append({"strategy": strategy, "problem": "no run of it finished"})
            continue
        bundle = store.path(run_id(best)) / "bundle"
        file = folder / f"{strategy}.mp4"
        found.append({"strategy": strategy, "seed": best["seed"], **_filmed(best, bundle, file)})
    write_whole(folder / INDEX, json.dumps({"videos": found}, indent=1, allow_nan=False) + "\n")
    return found


def require() -> None:
    """Refuse before anything is trained.

    Raises:
        MissingExtra: imageio or its ffmpeg is not installed.
    """
    extra("imageio", needs="--videos", install="video")
    extra("imageio_ffmpeg", needs="--videos", install="video")


def shown(out: Path, *, below: str = "") -> list[dict[str, Any]]:
    """What a report shows of the films below it; empty where there are none.

    Args:
        out: The folder of the report.
        below: The folder inside it that holds the films' folder, with a slash at its end.

    Returns:
        ``strategy``, and ``src`` with ``caption`` or ``problem``.
    """
    folder = out / below / FOLDER
    index = folder / INDEX
    if not index.is_file():
        return []
    found = []
    for video in parsed(index.read_text(encoding="utf-8"))["videos"]:
        file = folder / video.get("file", "")
        if "problem" in video or not file.is_file():
            problem = video.get("problem", f"{file.name} is missing")
            found.append({"strategy": video["strategy"], "problem": problem})
            continue
        cut = "" if video["ended"] else ", cut there"
        found.append(
            {
                "strategy": video["strategy"],
                "src": _source(file, f"{below}{FOLDER}/{file.name}"),
                "caption": f"Its best run, seed {video['seed']}: true return {video['true_return']:.4g} in "
                f"{video['steps']} steps{cut}.",
            }
        )
    return found


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
    from rewardwrap.core.config import from_config
    from rewardwrap.training import bundle as bundles
    from rewardwrap.training.scores import whole_groups

    settings = bundles.document(bundle, trust=trust)["settings"]
    paid = from_config(settings["reward"])
    changes = {
        "env_kwargs": {**settings["env_kwargs"], "render_mode": "rgb_array"},
        "row": whole_groups({**settings["row"], "n_envs": 1}, [paid], ()),
        "device": "cpu",
    }
    agent = bundles.read(bundle, changes=changes, trust=trust)
    venv = agent.eval_env(1)
    try:
        with whole_file(file) as aside:
            played = _play(agent, venv, aside, seed=seed, deterministic=deterministic)
    finally:
        venv.close()
        agent.close()
    return {"file": file.name, **played}


def _play(agent: Any, venv: Any, file: Path, *, seed: int, deterministic: bool) -> dict[str, Any]:
    imageio: Any = extra("imageio.v2", needs="--videos", install="video")
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


def _best(specs: Sequence[Spec], store: Store) -> Spec | None:
    """The finished run with the highest final true return; the first seed where several share it."""
    finished = [spec for spec in specs if store.is_finished(run_id(spec))]
    scores = [store.summary(run_id(spec))["true_return"][-1] for spec in finished]
    return finished[scores.index(max(scores))] if finished else None


def _filmed(spec: Spec, bundle: Path, file: Path) -> dict[str, Any]:
    """Film in a process of its own, with the first backend that works."""
    task = {
        "bundle": str(bundle),
        "file": str(file),
        "seed": spec["evaluation"]["seed"],
        "deterministic": spec["evaluation"]["deterministic"],
        "trust": list(references(spec)),  # of this run, which was trained here or vouched for
    }
    now = os.environ.get("MUJOCO_GL")
    problem = ""
    for backend in dict.fromkeys((now, *BACKENDS)):
        env = {**os.environ, **({"MUJOCO_GL": backend} if backend else {})}
        try:
            ended = subprocess.run(
                child_command("rewardwrap.compare.videos"),
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
    return {"problem": f"{spec['env']} could not be filmed here: {problem}"}


def _source(file: Path, place: str) -> str:
    """A data URI for a small film, else its place as the report sees it."""
    if file.stat().st_size > SMALL:
        return place
    return "data:video/mp4;base64," + base64.b64encode(file.read_bytes()).decode()


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
