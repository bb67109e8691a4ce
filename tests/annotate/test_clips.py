"""What a clip looks like, and what it must not say."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor

import gymnasium as gym
import mujoco
import numpy as np
import pytest
from PIL import Image

from rewardwrap.annotate import scenes
from rewardwrap.annotate.bodies import Bodies, Unlike
from rewardwrap.annotate.clips import ROWS, Clips, environment_of
from rewardwrap.data import EpisodeStore


def drawn(scene: dict[str, object], what: str, frame: int = 0) -> list[list[float]]:
    """Coordinates of all shapes of a kind in one frame."""
    shapes, row = scene["shapes"], scene["frames"][frame]  # type: ignore[index]
    found, i = [], 0
    while i < len(row):
        shape = shapes[int(row[i])]  # type: ignore[index]
        i += 1
        length = {"line": 4, "dot": 2}.get(shape["what"])
        if length is None:
            length, i = int(row[i]), i + 1
        if shape["what"] == what:
            found.append(row[i : i + length])
        i += length
    return found


def played(env_id: str, steps: int = 12) -> tuple[EpisodeStore, gym.Env]:  # type: ignore[type-arg]
    env = gym.make(env_id)
    env.action_space.seed(0)
    obs, _ = env.reset(seed=0)
    seen, done = [obs], []
    for _ in range(steps):
        action = env.action_space.sample()
        obs, *_ = env.step(action)
        seen.append(obs)
        done.append(action)
    flags = np.zeros(steps, bool)
    episode = {"obs": np.array(seen), "action": np.array(done), "reward": np.arange(steps) + 0.5,
               "terminated": flags, "truncated": flags}  # fmt: skip
    return EpisodeStore.from_episodes([episode], source=env_id), env


def test_a_pendulum_points_where_its_angle_says() -> None:
    upright, aside = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    scene = scenes.pendulum(np.array([upright, aside]))
    assert drawn(scene, "line", 0) == [[0, 0, 0, 1]]
    assert drawn(scene, "line", 1) == [[0, 0, -1, 0]]


def test_a_cart_carries_its_pole_and_a_car_its_hill() -> None:
    pole = drawn(scenes.cart_pole(np.array([[1.5, 0, np.pi / 2, 0]])), "line")[-1]
    assert pole == pytest.approx([1.5, 0.08, 2.5, 0.08])
    car = drawn(scenes.mountain_car(np.array([[0.5, 0.0]])), "dot")[0]
    assert car == pytest.approx([0.5, np.sin(1.5) * 0.45 + 0.55 + 0.055], abs=1e-3)


def test_an_acrobot_hangs_and_stands() -> None:
    hangs, stands = [1, 0, 1, 0, 0, 0], [-1, 0, 1, 0, 0, 0]
    scene = scenes.acrobot(np.array([hangs, stands], float))
    assert drawn(scene, "line", 0)[-1] == pytest.approx([0, -1, 0, -2])
    assert drawn(scene, "line", 1)[-1] == pytest.approx([0, 1, 0, 2], abs=1e-3)


@pytest.mark.parametrize(
    "env_id",
    [
        "Hopper-v5",
        "HalfCheetah-v5",
        "Swimmer-v5",
        "Reacher-v5",
        "Ant-v5",
        "InvertedDoublePendulum-v5",
    ],
)
def test_bodies_are_drawn_where_the_simulator_had_them(env_id: str) -> None:
    store, env = played(env_id)
    clips = Clips(store, env_id)
    shown = clips.show(0, 0, 12)
    assert shown["kind"] == "scene"
    assert clips.why == ""
    simulated = env.unwrapped
    bodies = Bodies(gym.make(env_id))
    assert len(shown["frames"]) == 13
    # the body's place comes from summed velocities: near, while the pose is exact
    bodies.scene(np.asarray(store.obs, float))
    # after a step the simulator's own places lie one substep behind its pose
    mujoco.mj_forward(simulated.model, simulated.data)  # type: ignore[attr-defined]
    ours, theirs = bodies._data.xpos, simulated.data.xpos  # type: ignore[attr-defined]
    if bodies._skipped:
        ours, theirs = ours - ours[1], theirs - theirs[1]
    assert ours[1:] == pytest.approx(theirs[1:], abs=2e-3)
    env.close()


def test_clips_that_are_asked_for_at_once_do_not_mix() -> None:
    store, env = played("HalfCheetah-v5", 60)
    env.close()
    clips = Clips(store, "HalfCheetah-v5")
    alone = [clips.show(0, start, 20) for start in range(40)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda start: clips.show(0, start, 20), range(40)))
    assert together == alone


def test_a_body_that_walks_moves_over_the_ground() -> None:
    obs = np.zeros((5, 17))
    obs[:, 8] = 2.0  # forward velocity of HalfCheetah
    scene = Bodies(gym.make("HalfCheetah-v5")).scene(obs)
    marks = [drawn(scene, "line", frame)[1][0] for frame in (0, 1)]
    assert (marks[0] - marks[1]) % 1 == pytest.approx(2.0 * 0.05, abs=2e-3)


def test_normalised_observations_are_not_drawn_as_poses() -> None:
    store, _ = played("Reacher-v5")
    scaled = EpisodeStore.from_episodes([{**e.columns(), "obs": e.obs * 3} for e in store])
    clips = Clips(scaled, "Reacher-v5")
    shown = clips.show(0, 0, 5)
    assert shown["kind"] == "plot"
    assert "they may be normalised" in clips.why
    with pytest.raises(Unlike, match="do not tell the pose"):
        Bodies(gym.make("Pusher-v5"))


def test_numbers_have_names_units_and_one_scale(swings: EpisodeStore) -> None:
    clips = Clips(swings, "Pendulum-v1", plain=True)
    shown = clips.show(2, 5, 10)
    assert [f["name"] for f in shown["fields"]] == [
        "pole cos", "pole sin", "pole angular velocity", "action",
    ]  # fmt: skip
    assert shown["fields"][2]["unit"] == "rad/s"
    assert shown["fields"][0]["values"] == pytest.approx(swings.episode(2).obs[5:16, 0], rel=1e-4)
    assert len(shown["fields"][3]["values"]) == 10
    other = clips.show(3, 0, 10)
    assert [f["low"] for f in other["fields"]] == [f["low"] for f in shown["fields"]]


def test_without_an_environment_numbers_are_numbered(swings: EpisodeStore) -> None:
    clips = Clips(swings)
    shown = clips.show(0, 0, 10)
    assert clips.why == "no environment was named"
    assert [f["name"] for f in shown["fields"]][:2] == ["observation 0", "observation 1"]
    wide = EpisodeStore.from_episodes(
        [{**e.columns(), "obs": np.tile(e.obs, (1, 9))} for e in swings]
    )
    shown = Clips(wide).show(0, 0, 10)
    assert len(shown["fields"]) == ROWS
    assert shown["hidden"] > 0


def test_discrete_and_nested_observations_have_numbers_too() -> None:
    flags = np.zeros(3, bool)
    base = {"action": np.arange(3), "reward": np.zeros(3), "terminated": flags, "truncated": flags}
    lake = EpisodeStore.from_episodes([{**base, "obs": np.array([0, 8, 9, 17])}])
    shown = Clips(lake, "FrozenLake-8x8").show(0, 0, 3)
    assert {f["name"]: f["values"] for f in shown["fields"]}["row"] == [0, 1, 1, 2]
    nested = {"at": np.arange(4.0), "in": {"deep": np.full((4, 2), np.nan)}}
    shown = Clips(EpisodeStore.from_episodes([{**base, "obs": nested}])).show(0, 0, 3)
    assert shown["fields"][0]["name"] == "at"
    assert shown["fields"][1]["values"] == [None] * 4


@pytest.mark.parametrize("shape", [(20, 24, 3), (3, 20, 24), (20, 24), (20, 24, 4), (4, 20, 24)])
def test_pictures_are_shown_as_they_are(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    obs = rng.integers(256, size=(6, *shape), dtype=np.uint8)
    flags = np.zeros(5, bool)
    store = EpisodeStore.from_episodes(
        [{"obs": {"camera": obs, "speed": np.zeros(6)}, "action": np.zeros(5), "reward": np.zeros(5),
          "terminated": flags, "truncated": flags}]
    )  # fmt: skip
    clips = Clips(store)
    shown = clips.show(0, 1, 4)
    assert (shown["kind"], shown["count"], shown["columns"]) == ("film", 5, 3)
    content, kind = clips.sheet(0, 1, 4)
    sheet = np.asarray(Image.open(io.BytesIO(content)))
    assert kind in ("image/png", "image/jpeg")
    assert sheet.shape == (2 * shown["height"], 3 * shown["width"], 3)
    first = sheet[: shown["height"], : shown["width"]][::12, ::12]
    channels = obs[1] if len(shape) == 3 and shape[-1] in (3, 4) else np.moveaxis(
        obs[1] if len(shape) == 3 else obs[1][None], 0, -1)  # fmt: skip
    newest = channels if channels.shape[-1] == 3 else channels[..., -1:].repeat(3, -1)
    assert np.abs(first.astype(int) - newest).mean() < 6


def test_a_clip_says_nothing_of_reward_or_source(swings: EpisodeStore) -> None:
    for clips in (
        Clips(swings, "Pendulum-v1"),
        Clips(swings, "Pendulum-v1", plain=True),
        Clips(swings),
    ):
        text = json.dumps(clips.show(0, 0, 10))
        for word in ("reward", "secret", "Pendulum", "source", "episode"):
            assert word not in text


def test_short_clips_are_slowed_down(swings: EpisodeStore) -> None:
    clips = Clips(swings, "Pendulum-v1")
    assert clips.show(0, 0, 10)["rate"] == 5.0
    assert clips.show(0, 0, 40)["rate"] == 20.0


def test_the_environment_is_the_one_that_episodes_name(swings: EpisodeStore) -> None:
    assert environment_of(swings) == "Pendulum-v1"
    assert (
        environment_of(EpisodeStore.from_episodes(list(swings.select([0])), source="x"))
        == "Pendulum-v1"
    )
    unknown = EpisodeStore.from_episodes([swings.episode(0).columns()], source="robot 7")
    assert environment_of(unknown) is None
