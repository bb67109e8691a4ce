from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rewardwrap.compare.results import Comparison, Run
from rewardwrap.compare.verdict import judge, verdicts
from rewardwrap.pages.words import number

Lake = Callable[..., Comparison]


def comparison(levels: dict[str, list[float]], *, threshold: float | None = None) -> Comparison:
    """Two evaluation points at the same level for each seed."""
    runs = [
        Run(name, seed, np.array([0, 10]), np.full(2, level), np.full(2, level), np.ones(2))
        for name, scores in levels.items()
        for seed, level in enumerate(scores)
    ]
    return Comparison("E", "ppo", 10, threshold, tuple(levels), tuple(runs))


def curve(strategy: str, seed: int, true: list[float], shaped: list[float]) -> Run:
    steps, length = np.arange(len(true)) * 10, np.full(len(true), 5.0)
    return Run(strategy, seed, steps, np.array(true), np.array(shaped), length)


def test_the_default_story_is_told_in_words(lake: Lake) -> None:
    judgement = judge(lake())
    labels = {f.strategy: f.label for f in judgement.findings}
    assert labels == {
        "env": "partly",
        "potential": "learns",
        "process": "cheats",
        "refined": "bounded",
    }
    assert judgement.best == "potential"
    assert judgement.headline.startswith("potential is best")
    assert "process cheats" in judgement.headline
    area = judgement.of("potential")
    assert area is not None
    assert area.word == "better"
    assert "better than env (+" in area.phrase


def test_the_cheat_is_explained_with_its_numbers(lake: Lake) -> None:
    text = judge(lake()).finding("process").text
    assert "its own reward rose from 0.6" in text
    assert "the true return stayed at 0.0" in text
    assert "run to the limit of 100 steps: it loiters" in text
    assert "highest of all strategies" in text


def test_a_bounded_reward_is_not_praised_for_exploring(lake: Lake) -> None:
    text = judge(lake()).finding("refined").text
    assert "does not cheat and does not do the task" in text
    assert "does not explore for you" in text


def test_nothing_is_said_about_a_cheat_that_is_not_there(lake: Lake) -> None:
    text = judge(lake(strategies=("env", "refined"))).finding("refined").text
    assert "cheat" not in text


def test_reaching_is_counted_with_the_seeds_that_never_do(lake: Lake) -> None:
    assert "in 3 of 10 seeds" in judge(lake()).finding("env").sentence
    assert "median lies beyond the budget" in judge(lake()).finding("env").sentence
    assert "in 10 of 10 seeds" in judge(lake()).finding("potential").sentence


def test_one_lucky_seed_is_not_called_a_flat_strategy() -> None:
    runs = [curve("env", s, [0, 0, 0, float(s == 0)], [0, 0, 0, float(s == 0)]) for s in range(10)]
    found = judge(Comparison("E", "ppo", 30, 1.0, ("env",), tuple(runs))).finding("env")
    assert found.label == "partly"
    assert "in 1 of 10 seeds" in found.sentence


def test_a_seed_that_loses_the_task_again_is_mentioned() -> None:
    runs = (curve("env", 0, [0, 1, 1, 0], [0, 1, 1, 0]),)
    found = judge(Comparison("E", "ppo", 30, 1.0, ("env",), runs)).finding("env")
    assert "1 seed ended below it again" in found.sentence


def test_a_small_shaping_bonus_is_no_cheat() -> None:
    runs = tuple(curve("nudge", s, [0, 0, 0, 0], [0, 0.1, 0.2, 0.3]) for s in range(3))
    found = judge(Comparison("E", "ppo", 30, 1.0, ("nudge",), runs)).finding("nudge")
    assert found.label == "diverges"
    assert "learns its own reward, not the task" in found.sentence


def test_a_reward_that_rises_with_the_true_return_is_no_cheat() -> None:
    runs = tuple(curve("bonus", s, [0, 0, 1, 1], [0, 5, 9, 9]) for s in range(3))
    found = judge(Comparison("E", "ppo", 30, 1.0, ("bonus",), runs)).finding("bonus")
    assert found.label == "learns"


def test_a_task_done_from_the_start_is_no_cheat() -> None:
    runs = tuple(curve("bonus", s, [1, 1, 1, 1], [1, 5, 9, 9]) for s in range(3))
    found = judge(Comparison("E", "ppo", 30, 1.0, ("bonus",), runs)).finding("bonus")
    assert found.label == "learns"


def test_a_reward_that_always_paid_is_asked_about_not_accused() -> None:
    runs = tuple(curve("raw", s, [0, 0, 0, 0], [7, 7, 7, 7]) for s in range(3))
    found = judge(Comparison("E", "ppo", 30, 1.0, ("raw",), runs)).finding("raw")
    assert found.label == "flat"
    assert "evaluate at step 0 to tell" in found.text


def test_costs_of_each_step_do_not_hide_a_cheat() -> None:
    runs = [curve("env", s, [-200, -150, -110, -110], [-200, -150, -110, -110]) for s in range(3)]
    runs += [curve("raw", s, [-200] * 4, [-150, -50, 0, 10]) for s in range(3)]
    found = judge(Comparison("E", "dqn", 30, -120.0, ("env", "raw"), tuple(runs)))
    assert found.finding("raw").label == "cheats"
    assert "stayed at -200.0" in found.finding("raw").sentence


def test_an_inconclusive_pair_says_how_many_seeds_it_takes() -> None:
    levels = {"env": [1.0, 2.0, 3.0, 4.0, 5.0], "other": [2.0, 3.0, 4.0, 5.0, 6.0]}
    verdict = judge(comparison(levels)).of("other")
    assert verdict is not None
    assert verdict.word == "inconclusive"
    assert verdict.phrase.startswith("inconclusive at 5 seeds (needs about ")
    assert verdict.needed is not None
    assert verdict.needed > 5


def test_a_worse_strategy_is_called_worse() -> None:
    verdict = judge(comparison({"env": [5.0, 5.1, 5.2], "bad": [1.0, 1.1, 1.3]})).of("bad")
    assert verdict is not None
    assert verdict.phrase.startswith("worse than env (-")


def test_identical_strategies_differ_at_no_number_of_seeds() -> None:
    judgement = judge(comparison({"env": [0.0, 0.0], "other": [0.0, 0.0]}))
    verdict = judgement.of("other")
    assert verdict is not None
    assert "the means are equal" in verdict.phrase
    assert judgement.best is None
    assert judgement.headline.startswith("No strategy leads")


def test_p_values_are_corrected_over_the_family() -> None:
    rng = np.random.default_rng(0)
    names = ["env", "a", "b", "c"]
    levels = {n: list(rng.normal(i, 1, 6)) for i, n in enumerate(names)}
    few = {name: levels[name] for name in ("env", "a")}
    alone, together = (
        verdicts(comparison(asked), "area", [("a", "env")])[0] for asked in (few, levels)
    )
    assert alone.p is not None
    assert together.p is not None
    assert together.p > alone.p
    assert (alone.family, together.family) == (1, 6), "all pairs, whoever is asked about"


def test_more_questions_take_more_seeds_each() -> None:
    even = [1.0, 2.0, 3.0, 4.0, 5.0]
    levels = {"env": even, **{name: [x + 1 for x in even] for name in "abc"}}
    few = {name: levels[name] for name in ("env", "a")}
    alone, together = (
        verdicts(comparison(asked), "area", [("a", "env")])[0] for asked in (few, levels)
    )
    assert alone.needed is not None
    assert together.needed is not None
    assert together.needed > alone.needed


def test_one_seed_settles_nothing(lake: Lake) -> None:
    judgement = judge(lake(seeds=1))
    assert "nothing is settled" in judgement.headline
    verdict = judgement.of("potential")
    assert verdict is not None
    assert verdict.phrase == "inconclusive at 1 seed (needs at least 2)"
    assert any("With 1 seed nothing" in note for note in judgement.notes)


def test_a_strategy_whose_every_run_failed_is_stated(lake: Lake) -> None:
    failed = frozenset(("process", seed) for seed in range(3))
    judgement = judge(lake(seeds=3, failed=failed))
    assert judgement.finding("process").label == "unfinished"
    assert "3 seeds failed" in judgement.finding("process").sentence
    assert "ValueError: nan" in judgement.finding("process").sentence
    verdict = judgement.of("process")
    assert verdict is not None
    assert "no finished run" in verdict.phrase
    assert any("unequal" in note for note in judgement.notes)


def test_a_comparison_without_any_run_says_so(lake: Lake) -> None:
    failed = frozenset({("env", 0), ("potential", 0)})
    judgement = judge(lake(seeds=1, strategies=("env", "potential"), failed=failed))
    assert judgement.headline == "No run finished, so there is nothing to compare (2 failed)."


def test_a_single_strategy_is_compared_with_nothing(lake: Lake) -> None:
    judgement = judge(lake(strategies=("env",)))
    assert "nothing to compare it with" in judgement.headline


def test_the_first_strategy_is_the_baseline_without_env(lake: Lake) -> None:
    assert judge(lake(strategies=("potential", "process"))).baseline == "potential"
    assert judge(lake(strategies=("potential", "env"))).baseline == "env"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.0"), (-0.4711, "-0.47"), (12.34, "12.3"), (-200, "-200.0"), (41234, "41,234")],
)
def test_numbers_read_like_numbers(value: float, text: str) -> None:
    assert number(value) == text


def _scaled(size: float, **fields: object) -> Comparison:
    runs = [curve("env", s, [0, 1, 2, 3], [0, 1, 2, 3]) for s in range(3)]
    runs += [curve("big", s, [0, 1, 2, 3], [0, size, 2 * size, 3 * size]) for s in range(3)]
    return Comparison("E", "ppo", 30, None, ("env", "big"), tuple(runs), **fields)  # type: ignore[arg-type]


def test_a_reward_of_another_scale_is_named_with_the_control_to_add() -> None:
    for size in (10.0, 0.1):
        notes = " ".join(judge(_scaled(size)).notes)
        assert "big (" in notes
        assert "changes the scale of the reward" in notes
        assert "--reward normalised" in notes
    assert "scale" not in " ".join(judge(_scaled(1.5)).notes)


def test_a_learner_that_normalises_feels_no_scale() -> None:
    for setting in (True, "dict(norm_obs=True)", {"norm_reward": True}):
        notes = judge(_scaled(10.0, hyperparameters={"normalize": setting})).notes
        assert "scale" not in " ".join(notes)
    for setting in (False, "dict(norm_obs=True, norm_reward=False)", {"norm_reward": False}):
        notes = judge(_scaled(10.0, hyperparameters={"normalize": setting})).notes
        assert "scale" in " ".join(notes)


def test_the_normalised_control_is_no_cheat_and_is_recommended_no_second_time() -> None:
    runs = [curve("env", s, [-9] * 4, [-9] * 4) for s in range(3)]
    runs += [curve("control", s, [-9] * 4, [-9, -5, -2, -1]) for s in range(3)]
    runs += [curve("big", s, [-9] * 4, [-90] * 4) for s in range(3)]
    control = {"normalize": {"base": {"env": {}}, "gamma": 0.9}}
    found = judge(
        Comparison(
            "E",
            "ppo",
            30,
            0.0,
            ("env", "control", "big"),
            tuple(runs),
            rewards={"control": control},
        )
    )
    assert found.finding("control").label == "flat"
    notes = " ".join(found.notes)
    assert "compare with control" in notes
    assert "control (" not in notes


def test_runs_that_went_on_from_a_checkpoint_are_declared() -> None:
    whole = curve("env", 0, [0, 1], [0, 1])
    same = replace(curve("env", 1, [0, 1], [0, 1]), continued=1)
    other = replace(curve("env", 2, [0, 1], [0, 1]), continued=2, same_curve=False)
    one = judge(Comparison("E", "ppo", 30, None, ("env",), (whole, same)))
    assert "their curves are those of undisturbed runs" in " ".join(one.notes)
    two = judge(Comparison("E", "ppo", 30, None, ("env",), (whole, same, other)))
    assert "2 of 3 runs continued from a checkpoint; 1 of them" in " ".join(two.notes)
