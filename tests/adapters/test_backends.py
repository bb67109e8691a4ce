"""`rw.make(..., backend=...)`: who steps the lanes changes neither the pay nor the true return."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.compare import declaration
from rewardwrap.compare.plan import PlanError, plan_from
from rewardwrap.compare.spec import run_id, settings_of
from rewardwrap.compare.store import Store
from rewardwrap.training.agent import Settings, build
from rewardwrap.training.bundle import _settings

UPRIGHT = {"potential": {"phi": {"pole_angle": -1.0, "bias": 0.5}}, "name": "upright"}
CLIPPED = rw.Sign(rw.EnvReward()).named("clipped")
PONG = "ALE/Pong-v5"


def paid(venv: Any, steps: int = 60) -> Any:
    venv.reset()
    rng = np.random.default_rng(0)
    return np.array([venv.step(rng.integers(2, size=venv.num_envs))[1] for _ in range(steps)])


def test_gymnasiums_lanes_pay_what_those_of_stable_baselines3_pay() -> None:
    make = partial(rw.make, "CartPole-v1", ["env", UPRIGHT], n_envs=2, seed=3, gamma=0.99)
    np.testing.assert_array_equal(paid(make(backend="sync")), paid(make()))


def test_two_words_for_a_back_end_must_agree() -> None:
    assert rw.make("CartPole-v1", vec_env="sync", backend="sync").num_envs == 1
    with pytest.raises(
        rw.ConfigError, match=r"vec_env must say what backend says, got 'dummy' and 'sync'"
    ):
        rw.make("CartPole-v1", vec_env="dummy", backend="sync")
    with pytest.raises(
        rw.ConfigError, match=r"backend must be .*\"subproc\", got 'threads'\. Choose one"
    ):
        rw.make("CartPole-v1", backend="threads")


# --- pools --------------------------------------------------------------------------------------


def test_ale_vector_shows_the_frames_of_the_recipe_and_keeps_the_score() -> None:
    pytest.importorskip("ale_py.vector_env")
    calm = {"repeat_action_probability": 0.0, "noop_max": 0}
    pool = rw.make(PONG, CLIPPED, seed=0, backend="ale-vector", env_kwargs=calm)
    import gymnasium as gym
    from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

    game = gym.make(PONG, frameskip=1, repeat_action_probability=0.0)
    lane = FrameStackObservation(AtariPreprocessing(game, noop_max=0, screen_size=84), 4)
    lane.reset(seed=0)
    pool.reset()
    true, same = 0.0, []
    # left alone the paddle loses a point in 60 steps, and more after that
    for _ in range(150):
        obs, *_ = pool.step([0])
        want, reward, *_ = lane.step(0)
        true += float(reward)
        same.append(np.array_equal(obs[0], want))
    # ALE pads the stack with black frames after a reset, gymnasium with the first one
    assert all(same[3:])
    assert true < -1
    assert pool.episode_terms[0, 0] == true
    assert pool.venv._returns[0] == true


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"env_kwargs": {"reward_clipping": True}}, "reward_clipping must stay off, got True: the score is"),
        ({"env_kwargs": {"episodic_life": True}}, "episodic_life must stay off"),
        ({"env_kwargs": {"batch_size": 1}}, "batch_size must be the number of lanes, got 1 of 2"),
        ({"env_kwargs": {"frames": 3}}, r"must be made with arguments it has, got \{'frames': 3\}"),
        ({"env_kwargs": {"img_height": 42}}, "must have the observation_space of the recipe"),
        ({"reward": rw.Field("ball_x")}, "must report what the reward reads, got nothing of .*ball_x"),
    ],
)  # fmt: skip
def test_what_ale_vector_would_change_or_cannot_show_is_refused(options: Any, match: str) -> None:
    pytest.importorskip("ale_py.vector_env")
    with pytest.raises(rw.ConfigError, match=match):
        rw.make(PONG, **{"reward": "env", "n_envs": 2, "backend": "ale-vector", **options})


@pytest.mark.parametrize(
    ("env", "match"),
    [
        ("CartPole-v1", "ale-vector must be given a game of ALE, got CartPole-v1"),
        (
            "ALE/Pong-ram-v5",
            "must do what the recipe of ALE/Pong-ram-v5 says, got its wrapper .*Ram",
        ),
        (lambda: None, "ale-vector must be given the id of an environment, got function"),
    ],
)
def test_what_is_no_game_of_a_screen_is_refused(env: Any, match: str) -> None:
    pytest.importorskip("ale_py.vector_env")
    with pytest.raises(rw.ConfigError, match=match):
        rw.make(env, backend="ale-vector")


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch: Any) -> None:
    monkeypatch.setitem(__import__("sys").modules, "envpool", None)
    with pytest.raises(rw.MissingExtra, match=r'pip install "rewardwrap\[envpool\]"'):
        rw.make("CartPole-v1", backend="envpool")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_pool_of_envpool_pays_episodes_without_dead_rows_and_repeats_itself() -> None:
    pytest.importorskip("envpool")
    make = partial(
        rw.make, "CartPole-v1", ["env", UPRIGHT], n_envs=3, seed=3, gamma=0.99, backend="envpool"
    )  # fmt: skip
    venv = make()
    venv.reset()
    rng, ends = np.random.default_rng(0), 0
    for _ in range(60):
        _, _, dones, infos = venv.step(rng.integers(2, size=3))
        np.testing.assert_array_equal(venv.reward_terms[:, 0], 1.0)
        for info in (info for info, done in zip(infos, dones, strict=True) if done):
            assert info["episode"]["r"] == info["elapsed_step"] == info["episode_terms"]["env"]
            ends += 1
    assert ends > 3
    again = make()
    np.testing.assert_array_equal(paid(again), paid(make()))
    again.seed(3)
    np.testing.assert_array_equal(paid(again), paid(make()))
    with pytest.raises(rw.UnknownName, match='No environment of envpool "rewardwrap/StepChain'):
        rw.make("rewardwrap/StepChain-v0", backend="envpool")


# --- trainings and comparisons ------------------------------------------------------------------


def plan(backend: str = "dummy", **more: Any) -> Any:
    return plan_from(
        {"env": "CartPole-v1", "algo": "ppo", "steps": 100, "seeds": 1, "strategies": {"env": "env"},
         "backend": backend, **more},
        rows=False,
    )  # fmt: skip


def test_a_plan_hands_its_back_end_to_every_run_and_says_so() -> None:
    (usual,), (spec,) = plan().specs(), plan("sync").specs()
    assert "backend" not in usual
    assert settings_of(spec).backend == "sync"
    assert run_id(spec) != run_id(usual)
    assert plan("sync").remarks == ("All lanes were stepped by sync.",)
    with pytest.raises(PlanError, match="backend must be .*got 'gpu'"):
        plan("gpu")


def test_a_comparison_never_mixes_back_ends(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    declaration.declare([plan("sync")], store, tmp_path)
    assert declaration.hold([plan()], store, tmp_path)[0].backend == "dummy"
    done = store.path("some-run") / "done.json"
    done.parent.mkdir(parents=True)
    done.write_text(json.dumps({"format": 2}))
    assert declaration.hold([plan("sync")], store, tmp_path)[0].backend == "sync"
    for other in (plan(), plan("envpool"), plan("subproc", env="Acrobot-v1")):
        with pytest.raises(
            PlanError, match="must be that of the first runs, sync, got .*never mixes"
        ):
            declaration.hold([other], store, tmp_path)


def test_an_agent_is_evaluated_on_the_lanes_that_it_learns_on() -> None:
    row = {"policy": "MlpPolicy", "n_envs": 2, "n_steps": 32, "batch_size": 64, "n_timesteps": 64}
    given = {"env": "CartPole-v1", "algo": "ppo", "reward": {"env": {}}, "row": row, "seed": 0}
    for backend, used in (("sync", "GymVecEnv"), ("dummy", "DummyVecEnv")):
        agent = build(Settings(**given, backend=backend))
        assert type(agent.adapter.venv).__name__ == used
        assert type(agent.eval_env(1).venv).__name__ == used
        agent.close()


def test_wrappers_of_lanes_stand_inside_gymnasiums_and_not_inside_pools() -> None:
    wrapper = {"gymnasium.wrappers.TimeAwareObservation": {}}
    row = {"policy": "MlpPolicy", "env_wrapper": wrapper, "n_timesteps": 64, "n_steps": 64}
    given = {"env": "CartPole-v1", "algo": "ppo", "reward": {"env": {}}, "row": row, "seed": 0}
    agent = build(Settings(**given, backend="sync"))
    assert agent.adapter.observation_space.shape == (5,)
    with pytest.raises(rw.ConfigError, match="envpool must make its lanes itself, got env_wrapper"):
        build(Settings(**given, backend="envpool"))


def test_bundles_of_before_are_read() -> None:
    written = {"env": "CartPole-v1", "algo": "ppo", "reward": {"env": {}}, "row": {}, "seed": 0}
    assert _settings({**written, "vec_env": "subproc"}, Path("x"), ()).backend == "subproc"
    assert _settings(written, Path("x"), ()).backend == "dummy"
