"""Super Mario Bros. and its miniature: one contract, and no sight of the old gym.

Mario needs `pip install "rewardwrap[mario]"`; run with `pytest -m slow tests/foreign`.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import rewardwrap as rw
import rewardwrap_envs
from rewardwrap_envs import EnvsError, MissingPackage
from rewardwrap_envs.foreign import mario, nes
from rewardwrap_policies.evolution import genetic

THERE = importlib.util.find_spec("nes_py") and importlib.util.find_spec("gym_super_mario_bros")
GAME = "rewardwrap/Mario-v0"
game = [
    pytest.mark.slow,
    pytest.mark.skipif(not THERE, reason="needs rewardwrap[mario]"),
]
BOTH = ["rewardwrap/Runner-v0", pytest.param(GAME, marks=game)]


@pytest.fixture(scope="module")
def level() -> Any:
    if not THERE:
        pytest.skip("needs rewardwrap[mario]")
    env = rewardwrap_envs.recipe(GAME).build()
    yield env
    env.close()


def runs(env: gym.Env[Any, Any], episodes: int) -> Any:
    """Of random moves, mostly to the right."""
    draws, count = np.random.default_rng(0), env.action_space.n
    for _ in range(episodes):
        _, info = env.reset(seed=0)
        rows, over = [info], False
        paid = 0.0
        while not over:
            _, reward, terminated, truncated, info = env.step(
                draws.integers(count) if draws.random() < 0.4 else min(4, count - 1)
            )
            paid, over = paid + float(reward), terminated or truncated
            rows.append(info)
        yield paid, rows, terminated


@pytest.mark.parametrize("name", BOTH)
def test_the_fitness_is_what_was_paid_and_follows_from_the_fields(name: str) -> None:
    env = rewardwrap_envs.recipe(name).build()
    for paid, rows, terminated in runs(env, 3):
        first, last = rows[0], rows[-1]
        assert paid == pytest.approx(last["fitness"] - first["fitness"])
        used = first["time"] - last["time"]
        assert last["fitness"] == pytest.approx(
            10 * last["coins"] + 0.1 * last["x_pos"] - 0.01 * used
        )
        for key, sign in (("x_pos", 1), ("coins", 1), ("time", -1), ("life", -1)):
            assert (sign * np.diff([row[key] for row in rows]) >= 0).all()
        assert terminated == (last["life"] == 0 or last["flag_get"] or last["time"] == 0)
        if not terminated:
            assert len({row["x_pos"] for row in rows[-31:]}) == 1
    env.close()


@pytest.mark.parametrize("name", BOTH)
def test_limits_of_time_deaths_and_moves_are_kept_by_what_is_returned(name: str) -> None:
    known = rewardwrap_envs.recipe(name)
    begin = known.build().reset(seed=0)[1]["time"]

    def kept(info: dict[str, Any]) -> bool:
        return info["life"] >= 1 and info["time"] >= begin - 20

    found = genetic(known.build, budget=800, length=20, feasible=kept, seed=0)
    curve = [fitness for _, fitness in found.history]
    assert found.feasible
    env, made, over = known.build(), 0, False
    env.reset(seed=0)
    total = 0.0
    while not over and made < 20:
        _, reward, terminated, truncated, info = env.step(found.moves[made])
        total, made, over = total + float(reward), made + 1, terminated or truncated
    assert total == pytest.approx(found.fitness)
    assert kept(info)
    assert max(curve) == curve[-1]


@pytest.mark.parametrize("name", [pytest.param(GAME, marks=game)])
def test_the_game_keeps_gymnasiums_contract_and_repeats_itself(name: str) -> None:
    env = gym.make(name, stage=2, downsampled=True)
    check_env(env.unwrapped, skip_render_check=True)
    seen = []
    for _ in range(2):
        env.reset(seed=0)
        seen.append([env.step(move)[0].sum() for move in (4, 4, 4, 2, 1, 6)])
    assert seen[0] == seen[1]
    assert env.render_mode is None
    pixels = rewardwrap_envs.recipe("rewardwrap/Mario-pixels").build()
    assert pixels.reset(seed=0)[0].shape == (4, 80, 64)
    with pytest.raises(EnvsError, match="a world in 1..8"):
        gym.make(name, world=9)


@pytest.mark.slow
def test_memory_is_read_as_numbers_that_do_not_overflow(level: Any) -> None:
    level.reset(seed=0)
    world = level.unwrapped
    console = world.console
    console.ram[0x6D], console.ram[0x86] = 200, 255
    assert world._x() == 200 * 256 + 255
    # a coin after the ninety-ninth, the flag, a pit
    world._purse, world.coins = 99, 99
    console.ram[0x7ED], console.ram[0x7EE] = 0, 0
    assert not world._look()
    assert world.coins == 100
    console.ram[0x16], console.ram[0x1D] = mario.FLAG, mario.SLIDING
    assert world._look()
    assert world.flag
    console.ram[0xB5], console.ram[0x1D] = 2, 0
    assert world._look()
    assert world.life == 0


@pytest.mark.slow
def test_tiles_show_the_ground_under_mario_and_a_reward_reads_the_fields(level: Any) -> None:
    obs, _ = level.reset(seed=0)
    while not obs[83]:
        obs, *_ = level.step(0)
    tiles = obs[:81].reshape(9, 9)
    assert tiles[4, 1] == 0.0
    assert tiles[5, 1] == 1.0
    env = rw.wrap(level, 0.1 * rw.Field("x_pos").delta(), gamma=0.99)
    env.reset(seed=0)
    before = level.unwrapped.best
    _, paid, *_ = env.step(4)
    assert paid == pytest.approx(0.1 * (level.unwrapped.best - before))


@pytest.mark.slow
def test_nothing_of_the_old_gym_is_loaded(level: Any) -> None:
    code = (
        "import warnings, sys; warnings.simplefilter('error'); import rewardwrap_envs; "
        f"rewardwrap_envs.recipe({GAME!r}).build().reset(seed=0); "
        "print(*({'gym', 'nes_py', 'gym_super_mario_bros'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""


def test_a_missing_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nes.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"must have gym_super_mario_bros installed"):
        gym.make(GAME)
