from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.compare import campaign, suite_report, suites
from rewardwrap.compare.aggregate import aggregates, improvement, judge_suite
from rewardwrap.compare.plan import PlanError, plans_from, read_plans
from rewardwrap.compare.results import Comparison, Failure, ResultsError, Run
from rewardwrap.compare.store import Store
from rewardwrap.compare.suite import CURVE_POINTS, Suite
from rewardwrap.compare.suite_figures import draw_suite
from rewardwrap.compare.suites import Scale
from rewardwrap.core.errors import UnknownName

SCALES = {"A": Scale(0.0, 10.0), "B": Scale(-200.0, -100.0)}


def _run(strategy: str, seed: int, level: float) -> Run:
    curve = np.array([0.0, level, level])
    return Run(strategy, seed, np.array([0, 50, 100]), curve, curve, curve + 5)


def _comparison(env: str, levels: dict[str, list[float]], **fields: object) -> Comparison:
    runs = [_run(s, seed, x) for s, found in levels.items() for seed, x in enumerate(found)]
    given = {"hyperparameters": {"gamma": 0.9}, "versions": {"numpy": "2"}, "threshold": None}
    return Comparison(
        env=env, algo="ppo", steps=100, strategies=tuple(levels), runs=tuple(runs),
        **{**given, **fields},  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture
def suite() -> Callable[..., Suite]:
    def make(seeds: int = 5, **fields: object) -> Suite:
        rng = np.random.default_rng(0)

        def near(level: float, size: float) -> list[float]:
            return (level + size * rng.normal(size=seeds)).tolist()

        return Suite(
            (
                _comparison("A", {"env": near(2, 0.5), "good": near(8, 0.5)}),
                _comparison("B", {"env": near(-180, 5), "good": near(-120, 5)}),
            ),
            **{"scales": SCALES, "command": "rewardwrap compare", **fields},  # type: ignore[arg-type]
        )

    return make


def test_scores_are_zero_for_random_play_and_one_for_the_reference() -> None:
    scale = Scale(-200.0, -100.0)
    assert scale([-200.0, -100.0, -150.0, -50.0]).tolist() == [0.0, 1.0, 0.5, 1.5]


def test_the_scale_comes_from_the_recipe_and_only_where_it_means_something(tmp_path: Path) -> None:
    scale = suites.scale_of("Acrobot-v1")
    assert scale is not None
    assert (scale.random, scale.reference) == (-497.08, -73.506)
    assert "PPO on Acrobot-v1" in scale.source
    assert suites.scale_of("Pusher-v5") is None
    assert suites.scale_of("FrozenLake-v1") is None
    recipe = "id: CartPole-v1\nname: Flat\nsummary: s\nsuite: own\n"
    recipe += "returns: {random: 5, reference: 5, source: us}\n"
    (tmp_path / "flat.yml").write_text(recipe)
    assert suites.scale_of("Flat", [str(tmp_path)]) is None


def test_suites_hold_the_recipes_that_have_a_scale() -> None:
    assert suites.members("classic")[:2] == ["Acrobot-v1", "CartPole-v1"]
    assert "Pusher-v5" not in suites.members("mujoco")
    assert all(name.startswith("ALE/") and "ram" not in name for name in suites.members("atari"))
    with pytest.raises(UnknownName, match='No suite "clasic". Did you mean "classic"'):
        suites.members("clasic")


def test_a_plan_may_name_several_environments_each_with_its_preset() -> None:
    plans = plans_from(
        {"envs": ["CartPole-v1", "Acrobot-v1"], "algo": "ppo", "seeds": 2,
         "strategies": {"env": "env", "control": "normalised"}}
    )  # fmt: skip
    assert [plan.env for plan in plans] == ["CartPole-v1", "Acrobot-v1"]
    assert [plan.row["gamma"] for plan in plans] == [0.98, 0.99]
    assert [plan.steps for plan in plans] == [100_000, 50_000]
    assert [plan.threshold for plan in plans] == [475.0, -100.0]
    configs = [plan.rewards["control"].to_config() for plan in plans]
    assert [config["normalize"]["gamma"] for config in configs] == [0.98, 0.99]


def test_an_environment_may_say_things_for_itself(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text(
        "algo: ppo\nsteps: 500\nstrategies: {env: env}\nhyperparameters: {n_steps: 32}\n"
        "envs:\n  CartPole-v1: {steps: 900, hyperparameters: {n_envs: 2}}\n  Acrobot-v1:\n"
    )
    cart, arm = read_plans(tmp_path / "plan.yml")
    assert (cart.steps, cart.row["n_envs"], cart.row["n_steps"]) == (900, 2, 32)
    assert (arm.steps, arm.row["n_envs"], arm.row["n_steps"]) == (500, 8, 32)
    changed = read_plans(tmp_path / "plan.yml", changes={"envs": ["CartPole-v1", "Pendulum-v1"]})
    assert [plan.env for plan in changed] == ["CartPole-v1", "Pendulum-v1"]


PLAN = "algo: ppo\nsteps: 100\nstrategies: {env: env}\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("env: CartPole-v1\nsuite: classic\n", 'plan.yml:5: .*one way, got "env" and "suite"'),
        ("suite: clasic\n", r'plan.yml:4: No suite "clasic"'),
        ("envs: [CartPole-v1, CartPole-v1]\n", "plan.yml:4: envs must be a list of different"),
        ("envs: 3\n", "plan.yml:4: envs must be a list"),
        ("envs:\n  CartPole-v1:\n  Acrobot-v1: {stesp: 3}\n", r'plan.yml:6: .*"stesp"'),
        ("envs:\n  CartPole-v1:\n  Acrobot-v1: {steps: x}\n", r"plan.yml:6: Acrobot-v1: .*whole"),
        ("envs: [CartPole-v1, Acrobo-v1]\n", r'plan.yml:4: No environment "Acrobo-v1"'),
        ("envs: [CartPole-v1, Pusher-v5]\n", "plan.yml:4: .*at least two whose recipe gives"),
    ],
)
def test_what_a_plan_of_several_environments_must_not_say(
    tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "plan.yml").write_text(PLAN + text)
    with pytest.raises(PlanError, match=sentence):
        read_plans(tmp_path / "plan.yml")


def test_a_row_of_the_scores_is_a_seed_and_a_column_a_task(suite: Callable[..., Suite]) -> None:
    found = suite(3)
    assert found.scores("good", "final").shape == (3, 2)
    expected = SCALES["B"](found.comparisons[1].final("good"))
    assert found.scores("good", "final")[:, 1].tolist() == expected.tolist()
    assert found.curves("good").shape == (3, 2, CURVE_POINTS)
    np.testing.assert_allclose(found.curves("good")[:, :, -1], found.scores("good", "final"))


def test_a_seed_that_is_missing_on_one_task_counts_in_no_number_over_them(
    suite: Callable[..., Suite],
) -> None:
    whole = suite(5)
    first, second = whole.comparisons
    runs = tuple(r for r in second.runs if (r.strategy, r.seed) != ("good", 1))
    broken = Comparison(
        "B", "ppo", 100, None, second.strategies, runs, (Failure("good", 1, "nan", "B"),)
    )
    found = Suite((first, broken), SCALES)
    assert found.seeds("good") == [0, 2, 3, 4]
    assert found.scores("good").shape == (4, 2)
    notes = " ".join(judge_suite(found).notes)
    assert "good: 1 seed did not finish on every environment" in notes
    assert "unequal numbers of complete seeds (env 5, good 4)" in notes
    assert "1 of 20 runs failed" in notes


def test_an_environment_without_a_scale_is_stated_and_left_out(suite: Callable[..., Suite]) -> None:
    found = suite(4, scales={"A": SCALES["A"]})
    assert found.scores("good").shape == (4, 1)
    assert "B has no random and reference return" in " ".join(judge_suite(found).notes)


def test_the_aggregates_are_those_of_the_matrix(suite: Callable[..., Suite]) -> None:
    scores = suite(10).scores("good")
    found = aggregates(scores)
    assert found["mean"].value == pytest.approx(scores.mean())
    assert found["optimality gap"].value == pytest.approx(np.maximum(0, 1 - scores).mean())
    for estimate in found.values():
        assert estimate.interval.low <= estimate.value <= estimate.interval.high
    assert aggregates(np.empty((0, 2))) == {}
    better = improvement(scores, suite(10).scores("env"))
    assert better is not None
    assert better.value == 1.0


def test_a_clear_lead_over_all_environments_is_called_better(suite: Callable[..., Suite]) -> None:
    judgement = judge_suite(suite(5))
    assert judgement.headline.startswith("Over 2 environments: good is best")
    verdict = judgement.of("good")
    assert verdict is not None
    assert verdict.phrase.startswith("better than env (+0.")


def test_an_even_suite_is_inconclusive_and_says_how_many_seeds_it_takes() -> None:
    levels = {"env": [1.0, 2.0, 3.0], "other": [1.5, 2.6, 3.1]}
    found = Suite((_comparison("A", levels), _comparison("B", levels)), SCALES)
    verdict = judge_suite(found).of("other")
    assert verdict is not None
    assert verdict.phrase.startswith("inconclusive at 3 seeds (needs about ")


def test_a_suite_without_finished_runs_says_so() -> None:
    empty = [Comparison(env, "ppo", 1, None, ("env", "x"), ()) for env in "AB"]
    judgement = judge_suite(Suite(tuple(empty), SCALES))
    assert "nothing to compare" in judgement.headline
    assert draw_suite(Suite(tuple(empty), SCALES)) == {}


def test_what_is_no_suite_is_refused() -> None:
    one = _comparison("A", {"env": [1.0]})
    with pytest.raises(ResultsError, match="two or more and different"):
        Suite((one,))
    with pytest.raises(ResultsError, match="two or more and different"):
        Suite((one, one))
    with pytest.raises(ResultsError, match="B must have the strategies"):
        Suite((one, _comparison("B", {"other": [1.0]})))


def test_a_suite_is_written_read_and_written_the_same(
    suite: Callable[..., Suite], tmp_path: Path
) -> None:
    suite_report.write(suite(3), tmp_path)
    for name in ("suite.json", "runs.csv", "envs/A/report.html", "figures/suite_profile.png"):
        assert (tmp_path / name).is_file()
    assert suite_report.render(suite_report.read(tmp_path)) == suite_report.render(suite(3))
    rows = (tmp_path / "runs.csv").read_text().splitlines()
    assert rows[0] == "env,strategy,seed,step,true_return,shaped_return,length"
    assert len(rows) == 1 + 2 * 2 * 3 * 3
    document = json.loads((tmp_path / "suite.json").read_text())
    assert document["tasks"] == ["A", "B"]
    assert np.shape(document["strategies"][1]["area"]["scores"]) == (3, 2)


@pytest.mark.parametrize("text", ["{", '{"format": 99}', '{"format": 1}'])
def test_a_file_that_holds_no_suite_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "suite.json").write_text(text)
    with pytest.raises(ResultsError, match="Suite: .*must be"):
        suite_report.read(tmp_path)


def test_the_page_says_the_verdict_first_and_then_each_environment(
    suite: Callable[..., Suite],
) -> None:
    text = suite_report.render(suite(3))
    order = [
        text.index(part) for part in ("good is best", "Over all env", 'id="env0"', 'id="env1"')
    ]
    assert order == sorted(order)
    assert "<script src" not in text
    assert 'src="' not in text


@pytest.mark.usefixtures("undrawn")
def test_the_films_of_each_environment_are_on_both_pages(
    suite: Callable[..., Suite], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewardwrap.compare.videos.SMALL", 0)
    folder = tmp_path / "envs" / "B" / "videos"
    folder.mkdir(parents=True)
    (folder / "good.mp4").write_bytes(b"film")
    played = {"strategy": "good", "file": "good.mp4", "seed": 0, "true_return": 1.0}
    film = {**played, "steps": 3, "ended": True}
    (folder / "videos.json").write_text(json.dumps({"videos": [film]}))
    page = suite_report.write(suite(seeds=2), tmp_path).read_text()
    assert page.count("<video") == 1
    assert 'src="envs/B/videos/good.mp4"' in page
    alone = (tmp_path / "envs" / "B" / "report.html").read_text()
    assert 'src="videos/good.mp4"' in alone
    assert "<video" not in (tmp_path / "envs" / "A" / "report.html").read_text()


def test_a_failed_training_is_told_where_its_environment_is(tmp_path: Path) -> None:
    plans = plans_from({"envs": ["CartPole-v1", "Acrobot-v1"], "algo": "ppo", "seeds": 1,
                        "strategies": {"env": "env"}}, rows=False)  # fmt: skip
    store = Store(tmp_path / "runs")
    failed = [Failure("env", 0, "ValueError: nan", "Acrobot-v1"), Failure("env", 1, "old file")]
    told = {
        plan.env: campaign.collect(plan, plan.specs(), store, failures=failed, command="").failures
        for plan in plans
    }
    assert told == {"CartPole-v1": (failed[1],), "Acrobot-v1": tuple(failed)}


def test_each_environment_counts_by_what_was_declared_for_it(suite: Callable[..., Suite]) -> None:
    levels = {"env": [3.0, 3.0, 3.0], "good": [6.0, 6.0, 3.0]}
    done = _comparison("A", levels, threshold=5.0, primary="done")
    graded = _comparison("B", {"env": [-180.0] * 3, "good": [-120.0] * 3})
    mixed = Suite((done, graded), scales=SCALES)
    assert mixed.done_or_not == ("A",)
    # at the second and third of three points the task was done, or never
    assert mixed.scores("good")[:, 0].tolist() == [2 / 3, 2 / 3, 0.0]
    assert mixed.scores("env")[:, 0].tolist() == [0.0] * 3
    np.testing.assert_allclose(mixed.scores("good")[:, 1], SCALES["B"](graded.auc("good")))
    np.testing.assert_allclose(mixed.scores("good", "final")[:, 0], [0.6, 0.6, 0.3])
    judgement = judge_suite(mixed)
    assert judgement.best == "good"
    assert any(note.startswith("On A the score over training is") for note in judgement.notes)
    page = suite_report.render(mixed)
    assert "on A whether the task is done yet, elsewhere the true return" in page
    assert "Against env, by doing the task" in page
    assert "has a better score than" in judgement.headline or "leads" in judgement.headline
    assert suite().done_or_not == ()
