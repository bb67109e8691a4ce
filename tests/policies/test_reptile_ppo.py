"""``--algo reptile``: rounds on other levels, then PPO on its own, within the steps of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rewardwrap as rw
from rewardwrap.api.train import settings_for
from rewardwrap.training import agent, bundle
from rewardwrap_policies.errors import PresetError

ENV = "rewardwrap/Runner-v0"
SMALL: dict[str, Any] = {
    "n_steps": 8, "n_envs": 2, "batch_size": 8, "n_epochs": 1, "inner": 16, "tasks": {"level": [2, 3]},
}  # fmt: skip


def learned(steps: int = 64, **changes: Any) -> Any:
    made = agent.build(
        settings_for(ENV, "reptile", rw.EnvReward(), hyperparameters={**SMALL, **changes})
    )
    made.model.learn(steps)
    made.close()
    return made.model


def weights(model: Any) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(model.policy.parameters()).detach()


def test_all_steps_count_and_epsilon_decides_what_the_rounds_leave() -> None:
    models = [learned(epsilon=list(e)) for e in ((1, 0), (0, 0))]
    assert [model.num_timesteps for model in models] == [64, 64]
    assert torch.equal(weights(models[0]), weights(learned(epsilon=[1, 0])))
    assert not torch.equal(weights(models[0]), weights(models[1]))


def test_tasks_are_written_as_in_a_file_behind_params() -> None:
    for written in ("tasks:{level: [2, 3]}", "tasks:{'level': [2, 3]}"):
        settings = settings_for(ENV, "reptile", rw.EnvReward(), hyperparameters=[written])
        assert settings.row["tasks"] == {"level": [2, 3]}


def test_with_epsilon_0_the_rounds_leave_the_weights_as_they_were() -> None:
    model = learned(steps=32, share=0.99, epsilon=[0, 0], learning_rate=0.0)
    begun = agent.build(settings_for(ENV, "reptile", rw.EnvReward(), hyperparameters=SMALL))
    assert torch.equal(weights(model), weights(begun.model))
    begun.close()


def test_it_is_trained_compared_and_read_again_like_any_other(tmp_path: Path) -> None:
    run = rw.train(
        ENV, "reptile", steps=64, eval_freq=32, eval_episodes=1, out=tmp_path, hyperparameters=SMALL
    )
    assert run.finished
    assert np.isfinite(run.true_returns).all()
    again = bundle.read(next((run.folder / "last").iterdir()))
    assert again.model.num_timesteps == 64
    again.close()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tasks": None}, "tasks must name one argument of the environment and two values"),
        ({"tasks": {"level": [2]}}, "two values at least, got"),
        ({"share": 1.0}, "share must lie between 0 and 1, got 1.0"),
    ],
)
def test_bad_input_is_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises((PresetError, rw.ConfigError), match=sentence):
        learned(**changes)


def test_a_task_that_the_environment_does_not_have_is_a_sentence() -> None:
    with pytest.raises(rw.ConfigError, match="must be made with arguments it has"):
        learned(tasks={"weight": [1, 2]})
