"""What a comparison says of strategies that are paid by groups of episodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rewardwrap.compare import document
from rewardwrap.compare.campaign import collect
from rewardwrap.compare.plan import plan_from
from rewardwrap.compare.report import render
from rewardwrap.compare.run import execute
from rewardwrap.compare.store import Store


def test_size_shares_length_and_success_stand_beside_the_return(tmp_path: Any) -> None:
    plan = plan_from(
        {
            "env": "rewardwrap/Ans-v0",
            "algo": "ppo",
            "steps": 32,
            "seeds": [0],
            "strategies": {
                "env": "env",
                "brief": {"grouped": {"score": "concise", "group": 2, "keep": 0.5}},
            },
            "hyperparameters": {"n_steps": 8, "batch_size": 16, "n_epochs": 1},
            "evaluation": {"every": 32, "episodes": 2},
        }
    )
    assert plan.row["n_envs"] == 2
    store = Store(tmp_path / "runs")
    for spec in plan.specs():
        execute(spec, store)
    comparison = collect(plan, plan.specs(), store, failures=[], command="")
    told = document.to_json_dict(comparison)
    env, brief = told["strategies"]
    assert env["groups"] is None
    assert brief["groups"]["group"] == 2
    assert set(brief["groups"]) >= {"filter_rate", "zero_variance_share", "groups", "dropped_share"}
    assert 0 <= brief["groups"]["zero_variance_share"] <= 1
    assert len(brief["final_success"]) == len(brief["final_length"]) == 1
    again = document.from_json_dict(told)
    assert again.groups("brief") == brief["groups"]
    assert again.success("brief") == np.mean(brief["final_success"])
    assert "Zero variance" in render(comparison, {"learning_curves": Figure()})
