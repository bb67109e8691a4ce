"""Least returns by the rules, and certificates that need no --lower for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewardwrap.cli import main
from rewardwrap.evaluate.certificate.worst import least_return
from rewardwrap_envs import recipes


@pytest.mark.parametrize(
    ("env", "kwargs", "least"),
    [
        ("CartPole-v1", {}, 0.0),
        ("MountainCar-v0", {}, -200.0),
        ("MountainCar-v0", {"max_episode_steps": 50}, -50.0),
        ("Acrobot-v1", {}, -500.0),
        ("Pendulum-v1", {}, -3254.7),
        ("FrozenLake-8x8", {}, 0.0),
        ("ALE/Freeway-ram-v5", {}, 0.0),
        ("ALE/Pong-v5", {}, -21.0),
        ("Ant-v5", {}, None),
        ("CartPole-v1", {"sutton_barto_reward": True}, None),
    ],
)
def test_the_least_return_follows_from_the_rules(
    env: str, kwargs: dict[str, object], least: float | None
) -> None:
    found = least_return(env, kwargs)
    assert found == (None if least is None else pytest.approx(least, abs=0.05))


BOUNDED = {
    name: recipe.bounds.step
    for name, recipe in recipes().items()
    if recipe.bounds.step != (None, None)
}


@pytest.mark.parametrize("name", BOUNDED)
def test_no_step_pays_less_or_more(name: str) -> None:
    low, high = BOUNDED[name]
    env = recipes()[name].build()
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(400):
        _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert low is None or low <= float(reward)
        assert high is None or float(reward) <= high
        if terminated or truncated:
            env.reset()
    env.close()


def test_a_recipe_of_ones_own_says_its_bounds(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text(
        "id: Ant-v5\nsummary: Mine.\nsuite: mine\nbounds: {step: [-2.0, null]}\n"
        "make: {max_episode_steps: 10}\n"
    )
    assert least_return("Ant-v5", catalog=(str(tmp_path),)) == -20.0
    assert least_return("Ant-v5", {"max_episode_steps": 5}, (str(tmp_path),)) == -10.0
    assert least_return("Ant-v5", {"ctrl_cost_weight": 9.0}, (str(tmp_path),)) is None


@pytest.mark.filterwarnings("ignore::rewardwrap.RewardwrapWarning")
def test_certify_knows_the_worst_of_cart_pole_and_asks_for_that_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = [
        "--verbose",
        "0",
        "-n",
        "64",
        "-f",
        str(tmp_path),
        "--eval-episodes",
        "1",
        "--eval-freq",
        "64",
    ]
    rest = ["-params", "n_envs:1", "n_steps:64", "batch_size:64"]
    assert main(["train", "--env", "CartPole-v1", *small, *rest]) == 0
    run = str(tmp_path / "ppo" / "CartPole-v1_1")
    certify = ["certify", run, "--sigma", "0.2", "--episodes", "20"]
    assert main([*certify, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "certificate.png").is_file()
    kwargs = ["--env-kwargs", "sutton_barto_reward:True"]
    assert main(["train", "--env", "CartPole-v1", *small, *kwargs, *rest]) == 0
    capsys.readouterr()
    assert main(["certify", str(tmp_path / "ppo" / "CartPole-v1_2"), "--sigma", "0.2"]) == 2
    assert "--lower must be a return that no episode of CartPole-v1" in capsys.readouterr().err
