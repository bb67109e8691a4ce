from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rewardwrap.compare.plan import DEFAULT, PlanError, plan_from, read_plan
from rewardwrap.compare.spec import settings_of
from rewardwrap.core.errors import ConfigError

GOOD = "env: CartPole-v1\nalgo: ppo\nsteps: 1000\nseeds: 2\nstrategies:\n  env: env\n"


def _plan(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plan.yml"
    path.write_text(text)
    return path


def test_the_default_plan_plants_a_cheat_among_four_strategies() -> None:
    plan = read_plan(DEFAULT)
    assert plan.env == "FrozenLake-8x8"
    assert list(plan.rewards) == ["env", "potential", "process", "refined"]
    assert (plan.steps, plan.seeds, plan.every, plan.episodes) == (40_000, (*range(10),), 2000, 5)
    assert plan.row["ent_coef"] == 0.03
    assert plan.threshold == 1.0


def test_the_example_plans_are_readable() -> None:
    folder = Path(__file__).parents[2] / "examples" / "plans"
    for path in folder.glob("*.yml"):
        assert read_plan(path).specs()


def test_specs_go_seed_by_seed_and_share_everything_but_reward_and_seed(tmp_path: Path) -> None:
    specs = read_plan(_plan(tmp_path, GOOD + "  paid: {constant: 1}\n")).specs()
    assert [(s["seed"], s["strategy"]) for s in specs] == [
        (0, "env"), (0, "paid"), (1, "env"), (1, "paid"),
    ]  # fmt: skip
    apart = ("seed", "strategy", "reward", "code")
    assert len({str({k: v for k, v in s.items() if k not in apart}) for s in specs}) == 1
    assert specs[0]["evaluation"] == {
        "every": 50, "episodes": 5, "seed": 10_000, "deterministic": True,
    }  # fmt: skip


def test_steps_and_threshold_come_from_preset_and_recipe_where_not_given() -> None:
    plan = plan_from({"env": "Acrobot-v1", "algo": "ppo", "strategies": {"env": "env"}})
    assert (plan.steps, plan.threshold, len(plan.seeds)) == (50_000, -100.0, 10)


def test_a_reward_file_is_looked_up_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / "lean.yml").write_text("- env\n- field: pole_angle\n  name: lean\n")
    plan = read_plan(_plan(tmp_path, GOOD + "  lean: lean.yml\n"))
    assert "lean" in str(plan.rewards["lean"].to_config())


def test_changes_win_over_the_file(tmp_path: Path) -> None:
    plan = read_plan(_plan(tmp_path, GOOD), changes={"seeds": [7], "steps": 400})
    assert (plan.seeds, plan.steps, plan.row["n_timesteps"]) == ((7,), 400, 400)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD + "sedes: 3\n", r'plan.yml:7: a plan must use known keys, got "sedes". Did you mean "seeds"'),
        (GOOD + "evaluation: {evry: 3}\n", r'plan.yml:7: .*"evry". Did you mean "every"'),
        (GOOD + "evaluation: {every: x}\n", r'plan.yml:7: "every" must be a whole number'),
        (GOOD.replace("CartPole-v1", "CartPol-v1"), r'plan.yml:1: No environment "CartPol-v1"'),
        (GOOD.replace("ppo", "pppo"), r'plan.yml:2: No algorithm "pppo". Did you mean "ppo"'),
        (GOOD.replace("1000", "none"), r'plan.yml:3: "steps" must be a whole number'),
        (GOOD.replace("seeds: 2", "seeds: [1, 1]"), r"plan.yml:4: seeds must be how many"),
        (GOOD.replace("  env: env", "  a b: env"), r"plan.yml:6: a strategy name must be letters"),
        (GOOD + "  x: {potentail: {}}\n", r'plan.yml:7: No reward "potentail". Did you mean'),
        (GOOD + "  x:\n    - env\n    - constant: {valu: 1}\n", r'plan.yml:9: No field of constant "valu"'),
        (GOOD + "  x: potential\n", r'plan.yml:7: "potential" must stand for the potential'),
        (GOOD + "hyperparameters:\n  gama: 1\n", r'plan.yml:8: a setting .* "gama". Did you mean "gamma"'),
        ("env: CartPole-v1\nalgo: ppo\n", r'a plan must have the key "strategies"'),
        ("[1]", "a plan must be a mapping"),
    ],
)  # fmt: skip
def test_what_a_plan_must_not_say_is_refused_with_its_line(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises((PlanError, ConfigError), match=sentence):
        read_plan(_plan(tmp_path, text))


def test_a_plan_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="a plan must be a file"):
        read_plan(tmp_path / "none.yml")


def test_hyperparameters_may_be_checked_later_without_loading_the_algorithm(tmp_path: Path) -> None:
    file = _plan(tmp_path, GOOD + "hyperparameters:\n  gama: 1\n")
    plan = read_plan(file, rows=False)
    with pytest.raises(PlanError, match=r'plan.yml:8: a setting .* "gama"'):
        plan.require_row()
    code = (
        "import sys; from pathlib import Path; from rewardwrap.compare.plan import read_plans\n"
        "(plan,) = read_plans(Path(sys.argv[1]), rows=False); plan.specs()\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)


@pytest.mark.parametrize("value", ["null", "many", "true"])
def test_a_training_must_have_a_length(tmp_path: Path, value: str) -> None:
    text = GOOD.replace("steps: 1000\n", "") + f"hyperparameters:\n  n_timesteps: {value}\n"
    with pytest.raises(PlanError, match="n_timesteps must be a whole number"):
        read_plan(_plan(tmp_path, text))


def test_a_plan_says_what_a_time_limit_is_and_runs_from_before_keep_their_names(
    tmp_path: Path,
) -> None:
    plain = read_plan(_plan(tmp_path, GOOD)).specs()[0]
    said = read_plan(_plan(tmp_path, GOOD + "limit: bootstrap\n")).specs()[0]
    ends = read_plan(_plan(tmp_path, GOOD + "limit: end\n")).specs()[0]
    assert plain == said
    assert {**plain, "limit": "end"} == ends
    assert [settings_of(spec).limit for spec in (plain, ends)] == ["bootstrap", "end"]
    with pytest.raises(PlanError, match=r'plan.yml:7: limit must be "bootstrap" or "end"'):
        read_plan(_plan(tmp_path, GOOD + "limit: stop\n"))
