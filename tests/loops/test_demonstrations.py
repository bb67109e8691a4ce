"""A discriminator in the loop: what it pays, when it is fitted, what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError, RewardwrapWarning, StackError, UnknownName
from rewardwrap.core.transitions import Transitions, take
from rewardwrap.loops.chances import log_pi
from rewardwrap.loops.demonstrations import Ends
from rewardwrap.loops.relabelling import rows
from rewardwrap.nets.folder import load_model
from rewardwrap_policies.scripted import cart_pole

FAST = {"hidden": (16,), "epochs": 2, "pairs": 256}
LIMIT = 60


def played(act: Callable[[Any], int], episodes: int = 3, limit: int = LIMIT) -> rw.EpisodeStore:
    """Episodes of CartPole."""
    env = gym.make("CartPole-v1", max_episode_steps=limit)
    made = []
    for seed in range(episodes):
        obs, _ = env.reset(seed=seed)
        seen, steps, over = [obs], [], False
        while not over:
            action = act(obs)
            obs, reward, terminated, truncated, _ = env.step(action)
            seen.append(obs)
            steps.append((action, reward, terminated, truncated))
            over = terminated or truncated
        names = ("action", "reward", "terminated", "truncated")
        columns = map(np.array, zip(*steps, strict=True))
        made.append({"obs": np.stack(seen), **dict(zip(names, columns, strict=True))})
    return rw.EpisodeStore.from_episodes(
        made, observation_space=env.observation_space, action_space=env.action_space
    )


@pytest.fixture(scope="module")
def demos() -> rw.EpisodeStore:
    return played(cart_pole)


def ppo(loop: rw.DemonstrationLoop, env: str = "CartPole-v1") -> PPO:
    venv = rw.make(env, loop.reward, n_envs=4, seed=0, env_kwargs={"max_episode_steps": LIMIT})
    return PPO("MlpPolicy", venv, n_steps=32, batch_size=64, n_epochs=1, device="cpu", seed=0)


def events(loop: rw.DemonstrationLoop) -> list[str]:
    return [line["event"] for line in loop.folder.journal()]


def test_two_lines_of_the_user_and_a_loop_that_goes_on(
    tmp_path: Path, demos: rw.EpisodeStore
) -> None:
    loop = rw.DemonstrationLoop(tmp_path / "loop", demos=demos, steps=128, fit=FAST)
    ppo(loop).learn(256, callback=loop)
    assert events(loop) == ["start", "deploy", "repay", "deploy", "end"]
    shown = loop._shown
    assert 0 <= shown["demonstrations/accuracy"] <= 1
    assert shown["demonstrations/loss"] > 0
    # the agent falls and nobody demonstrated that, so not having fallen is worth something
    assert loop.folder.journal()[-2]["above_the_end"] > 2
    again = rw.DemonstrationLoop(tmp_path / "loop", demos=demos, steps=128, fit=FAST)
    assert again.reward.version == loop.reward.version
    ppo(again).learn(128, callback=again)
    assert events(again)[5:] == ["start", "deploy", "end"]
    # the same file pays without the loop
    saved = rw.Learned(again.path)
    batch = demos.transitions()
    np.testing.assert_array_equal(saved(batch), again.reward(batch))


def test_the_first_rollout_is_paid_by_the_first_model(
    tmp_path: Path, demos: rw.EpisodeStore
) -> None:
    class Look(BaseCallback):
        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            self.rewards = self.model.rollout_buffer.rewards.copy()  # type: ignore[attr-defined]
            self.returns = self.model.rollout_buffer.returns.copy()  # type: ignore[attr-defined]

    loop, look = rw.DemonstrationLoop(tmp_path / "loop", demos=demos, fit=FAST), Look()
    model = ppo(loop)
    steps: list[Any] = []
    loop_step = loop._on_step
    loop._on_step = lambda: bool(loop_step()) and not steps.append(dict_of(loop))  # type: ignore[method-assign]
    model.learn(128, callback=[loop, look])
    paid = np.stack([loop.reward(step) for step in steps])
    np.testing.assert_allclose(look.rewards, paid, rtol=1e-4, atol=1e-5)
    assert look.returns.std() > 0.1


def dict_of(loop: rw.DemonstrationLoop) -> Transitions:
    return take(loop._adapter.last_step, np.arange(4))


def test_what_is_demonstrated_is_paid_more_and_exemplars_can_be_swapped(tmp_path: Path) -> None:
    left, right = played(lambda _: 0), played(lambda _: 1)
    loop = rw.DemonstrationLoop(
        tmp_path / "loop",
        demos=left,
        inputs=("action",),
        steps=128,
        fit={**FAST, "lr": 0.02, "epochs": 20},
    )
    model = ppo(loop)
    model.learn(128, callback=loop)
    paid = [float(loop.reward(each.transitions())[0]) for each in (left, right)]
    assert paid[0] > paid[1] + 0.5
    loop.swap(right)
    model.learn(128, callback=loop)
    paid = [float(loop.reward(each.transitions())[0]) for each in (left, right)]
    assert paid[1] > paid[0] + 0.5
    assert "swap" in events(loop)
    # and what being over is worth is judged by those who are imitated now
    assert loop._ends.store is right


@pytest.mark.parametrize("form", ["gail", "fairl"])
def test_a_form_with_a_sign_is_warned_of_where_episodes_end(
    tmp_path: Path, demos: rw.EpisodeStore, form: str
) -> None:
    loop = rw.DemonstrationLoop(tmp_path / "loop", demos=demos, form=form, steps=128, fit=FAST)
    with pytest.warns(
        RewardwrapWarning, match=f'form="{form}" must be .* 500 steps, -.69 ends it after 9'
    ):
        ppo(loop).learn(128, callback=loop)
    paid = loop.reward(demos.transitions())
    assert (paid >= 0).all() if form == "gail" else (paid <= np.exp(-1) + 1e-6).all()


def test_airl_is_paid_without_the_policy_and_refused_where_none_can_be_asked(
    tmp_path: Path, demos: rw.EpisodeStore
) -> None:
    loop = rw.DemonstrationLoop(tmp_path / "a", demos=demos, form="airl", steps=128, fit=FAST)
    model = ppo(loop)
    with pytest.warns(
        RewardwrapWarning, match='form="airl" must be for tasks that the agent cannot end'
    ):
        model.learn(256, callback=loop)
    assert events(loop) == ["start", "deploy", "repay", "deploy", "end"]
    batch = demos.transitions()
    chances = log_pi(model, batch)
    probabilities = model.policy.get_distribution(
        model.policy.obs_to_tensor(batch.obs)[0]
    ).distribution.probs  # type: ignore[union-attr]
    wanted = probabilities.detach().numpy()[np.arange(len(batch.action)), batch.action]
    np.testing.assert_allclose(np.exp(chances.numpy()), wanted, rtol=1e-5)
    loop = rw.DemonstrationLoop(tmp_path / "b", demos=demos, form="airl", steps=64, fit=FAST)
    venv = rw.make("CartPole-v1", loop.reward, seed=0)
    with pytest.raises(StackError, match="how likely an action is, got DQN. Use PPO or A2C"):
        DQN("MlpPolicy", venv, buffer_size=200, device="cpu").learn(10, callback=loop)


def test_an_off_policy_buffer_is_paid_by_the_newest_model(
    tmp_path: Path, demos: rw.EpisodeStore
) -> None:
    loop = rw.DemonstrationLoop(tmp_path / "loop", demos=demos, steps=64, fit=FAST)
    venv = rw.make("CartPole-v1", loop.reward, seed=0)
    model = DQN("MlpPolicy", venv, buffer_size=200, learning_starts=32, device="cpu", seed=0)
    model.learn(128, callback=loop)
    assert events(loop) == ["start", "deploy", "deploy", "end"]
    stored = rows(model.replay_buffer, np.arange(128))
    np.testing.assert_allclose(model.replay_buffer.rewards[:128, 0], loop.reward(stored), rtol=1e-5)
    # everything the agent did is what demonstrations are held against
    assert len(loop.tape) == 128


def test_a_candidate_that_is_worse_on_held_out_rows_does_not_run(
    tmp_path: Path, demos: rw.EpisodeStore
) -> None:
    loop = rw.DemonstrationLoop(tmp_path / "loop", demos=demos, steps=128, delta=-9.0, fit=FAST)
    ppo(loop).learn(128, callback=loop)
    assert events(loop) == ["start", "roll back", "end"]
    assert not loop.reward.ready


def test_another_body_may_demonstrate_where_actions_are_not_compared(
    tmp_path: Path, demos: rw.EpisodeStore
) -> None:
    loop = rw.DemonstrationLoop(tmp_path / "a", demos=demos, steps=128, fit=FAST)
    with pytest.raises(ConfigError, match="of the environment's observation_space, got Box"):
        ppo(loop, "Pendulum-v1").learn(64, callback=loop)
    other = gym.spaces.Discrete(5)
    five = replace(demos, action_space=other)
    loop = rw.DemonstrationLoop(tmp_path / "b", demos=five, steps=128, fit=FAST)
    with pytest.raises(
        ConfigError, match='action_space, got Discrete.5. .* leave "action" out of inputs'
    ):
        ppo(loop).learn(64, callback=loop)
    loop = rw.DemonstrationLoop(
        tmp_path / "c", demos=five, steps=128, fit=FAST, inputs=("obs", "next_obs")
    )
    ppo(loop).learn(128, callback=loop)
    assert loop.reward.ready


def test_bad_input_is_one_sentence(tmp_path: Path, demos: rw.EpisodeStore) -> None:
    with pytest.raises(UnknownName, match='No form "gial". Did you mean "gail"'):
        rw.DemonstrationLoop(tmp_path / "a", demos=demos, form="gial")
    with pytest.raises(UnknownName, match='No setting of fit "epoch"'):
        rw.DemonstrationLoop(tmp_path / "a", demos=demos, fit={"epoch": 1})
    with pytest.raises(ConfigError, match="every must be at least 1, got 0"):
        rw.DemonstrationLoop(tmp_path / "a", demos=demos, every=0)
    assert not (tmp_path / "a").exists()


def step(*, first: bool, terminated: bool = False, truncated: bool = False) -> Transitions:
    flags = {"first": first, "terminated": terminated, "truncated": truncated}
    return Transitions(
        np.zeros((1, 4)), np.zeros(1, int), np.zeros((1, 4)), np.zeros(1),
        **{name: np.array([flag]) for name, flag in flags.items()},
    )  # fmt: skip


def test_layers_keep_to_a_spectral_norm(tmp_path: Path, demos: rw.EpisodeStore) -> None:
    chosen = {"spectral": 1.0, "penalty": 0.0, "lr": 0.05}
    loop = rw.DemonstrationLoop(tmp_path / "loop", demos=demos, steps=32, fit=chosen)
    ppo(loop).learn(64, callback=loop)
    weights = [w for net in [load_model(loop.path).net] for w in net.weights]  # type: ignore[attr-defined]
    norms = [float(torch.linalg.matrix_norm(w, ord=2).detach().max()) for w in weights]
    assert max(norms) <= 1 + 1e-4
    assert loop.reward.ready


def test_only_an_end_by_the_task_counts_as_being_over(demos: rw.EpisodeStore) -> None:
    ends = Ends(demos)
    for t in range(10):
        ends.add(step(first=t == 0, truncated=t == 9))
    assert ends.bonus(0.1) == 0
    for t in range(10):
        ends.add(step(first=t == 0, terminated=t == 9))
    # 50 of the horizon's 60 steps are over, against 5 older ones that count half and 10 new ones
    from rewardwrap.nets.objectives.adversarial import above_the_end

    assert ends.bonus(0.1) == pytest.approx(above_the_end(0, 50 / 65, 0.1))


def test_demonstrations_that_end_sooner_make_staying_cost(demos: rw.EpisodeStore) -> None:
    ends = Ends(played(lambda _: 0))
    for t in range(LIMIT):
        ends.add(step(first=t == 0, truncated=t == LIMIT - 1))
    assert ends.bonus(0.1) < -2
