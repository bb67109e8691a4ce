"""The films of the gallery and the page that shows them: ``make films``, minutes.

Every film is an agent that was trained here, by a command that the page names, and nothing is chosen:
the best run of each strategy by its final true return, on the first evaluation seed, as
``compare --videos`` has it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from rewardwrap.cli import main
from rewardwrap.training.films import record

HERE = Path(__file__).parent
PLANS = HERE.parents[1] / "examples" / "plans"
SECONDS, WIDTH, QUALITY = 14, 320, 31
"""Of each film; quality is x264's constant rate factor, larger is smaller."""
HEAD = """---
hide: [navigation, toc]
---
# Gallery

What rewards do to agents. Each film is the best run of its strategy; nothing else was chosen. Drawn by
`make films` (`docs/gallery/films.py`); films are cut after {seconds} seconds.
"""


@dataclass(frozen=True)
class Scene:
    """One comparison: its name, what it shows, its command, and a sentence for each strategy."""

    name: str
    title: str
    text: str
    command: str
    captions: dict[str, str]


SCENES = (
    Scene(
        "lake",
        "One of them cheats",
        "Walk 14 cells over a frozen lake without falling in; only the goal pays. A guess of how near it is "
        "helps when it is paid as a potential, and ruins the task when it is paid on every step.",
        "compare --seeds 1 -n 40000",
        {
            "env": "the task's own reward",
            "potential": "nearness, paid as a difference",
            "process": "nearness, paid on every step: the agent stays near the goal and collects",
            "refined": "the same score, clipped and paid as differences: no temptation, and no help",
        },
    ),
    Scene(
        "acrobot",
        "One seed proves nothing",
        "Swing the tip above the line; the potential is the height of the tip. After 20 000 steps with one "
        "seed both do it. Which one does it sooner, and whether that is luck, takes more of them: "
        "[comparing honestly](../guides/comparing.md).",
        f"compare {PLANS / 'acrobot.yml'} --seeds 1 -n 20000",
        {"env": "-1 a step", "potential": "and the height of the tip, as a potential"},
    ),
    Scene(
        "freeway",
        "From a byte of memory",
        "Cross ten lanes of traffic. A random chicken never arrives; its height is one byte of memory.",
        f"compare {PLANS / 'freeway_ram.yml'} --seeds 1 -n 20000",
        {"env": "1 for each crossing", "potential": "and its height, as a potential"},
    ),
)


def film_all() -> None:
    """Train, film, and write the page."""
    parts = [HEAD.format(seconds=SECONDS)]
    with tempfile.TemporaryDirectory() as aside:
        for scene in SCENES:
            out = Path(aside) / scene.name
            shown = out / "videos"
            run([*scene.command.split(), "--jobs", "1", "--videos", "--out", str(out)])
            films = json.loads((shown / "videos.json").read_text("utf-8"))["videos"]
            figures = [figure(scene, film, shown / film["file"]) for film in films]
            parts.append(section(scene.title, scene.text, scene.command, figures))
        parts.append(demonstrated(Path(aside) / "shown"))
    (HERE / "index.md").write_text("\n".join(parts), encoding="utf-8")


def demonstrated(out: Path) -> str:
    """CartPole from five demonstrations: nobody writes a reward."""
    record_command = f"record CartPole-v1 --policy scripted --episodes 5 --out {out / 'demos'}"
    train_command = (
        f"train CartPole-v1 --demos {out / 'demos'} --form logit -n 20480 --out {out / 'logs'}"
    )
    run(record_command.split())
    run(train_command.split())
    bundle = next((out / "logs").glob("*/*/best"), None) or next((out / "logs").glob("*/*/bundle"))
    large = out / "cartpole.mp4"
    film = record(bundle, large, seed=0, deterministic=True)
    small(large, HERE / "cartpole-demonstrations.mp4")
    caption = said("five demonstrations, and no reward", film, "cartpole-demonstrations")
    return section(
        "Nobody wrote a reward",
        "Five episodes of a controller that balances, and a reward learned against what the agent does.",
        train_command.replace(f"{out}/", ""),
        [caption],
    )


def figure(scene: Scene, film: dict[str, Any], large: Path) -> str:
    """One film, made small, with its caption."""
    name = f"{scene.name}-{film['strategy']}"
    small(large, HERE / f"{name}.mp4")
    words = f"<b>{film['strategy']}</b>, {scene.captions[film['strategy']]}"
    return said(words, film, name)


def said(words: str, film: dict[str, Any], name: str) -> str:
    """A figure in HTML."""
    return (
        f'<figure><video src="{name}.mp4" controls muted loop playsinline preload="metadata"></video>'
        f"<figcaption>{words}. True return {film['true_return']:.4g} in {film['steps']} steps."
        "</figcaption></figure>"
    )


def section(title: str, text: str, command: str, figures: list[str]) -> str:
    """One part of the page."""
    shown = command.replace(f"{PLANS.parents[1]}/", "")
    films = "\n".join(figures)
    return (
        f'\n## {title}\n\n{text}\n\n`rewardwrap {shown}`\n\n<div class="films">\n{films}\n</div>\n'
    )


def run(words: list[str]) -> None:
    """A command of ours, which must succeed."""
    print("rewardwrap", *words, flush=True)
    if main(words) != 0:
        sys.exit(f"failed: rewardwrap {' '.join(words)}")


def small(source: Path, file: Path) -> None:
    """The beginning of a film, in little."""
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error",
            "-i", str(source), "-t", str(SECONDS),
            "-vf", f"scale={WIDTH}:-2", "-c:v", "libx264", "-preset", "veryslow", "-crf", str(QUALITY),
            "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-an", str(file),
        ],
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    film_all()
