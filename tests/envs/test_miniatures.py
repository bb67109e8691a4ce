"""The miniatures: the contract of gymnasium, and the optima the docstrings promise."""

import copy
import functools

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

import rewardwrap_envs  # noqa: F401 - registers the environments
from rewardwrap_envs.step_chain import ANSWER, REPEAT, USEFUL

MINIATURES = [f"rewardwrap/{name}-v0" for name in ("StepChain", "NoisyTV", "Ans", "Reach")]


@pytest.mark.parametrize("name", MINIATURES)
def test_the_environment_passes_the_checker_without_warnings(name):
    check_env(gymnasium.make(name).unwrapped)


@pytest.mark.parametrize("name", MINIATURES)
def test_reset_and_step_give_the_same_info_keys(name):
    env = gymnasium.make(name)
    _, at_reset = env.reset(seed=0)
    *_, at_step = env.step(0)
    assert set(at_reset) == set(at_step)
    assert [type(at_reset[key]) for key in at_reset] == [type(at_step[key]) for key in at_reset]


def best(name, paid, *, state):
    """Search all plays: the best sum of `paid`, then the fewest steps; and the true return."""
    env = gymnasium.make(name)
    env.reset(seed=0)
    limit = env.spec.max_episode_steps
    worlds = {}

    @functools.cache
    def search(key, steps):
        if steps == limit:
            return 0.0, 0, 0.0
        found = []
        for action in range(3):
            world, memory = copy.deepcopy(worlds[key])
            _, reward, terminated, _, info = world.step(action)
            now, memory = paid(reward, info, terminated, steps + 1 == limit, memory)
            after = (state(world), memory)
            worlds.setdefault(after, (world, memory))
            later = (0.0, 0, 0.0) if terminated else search(after, steps + 1)
            found.append((round(now + later[0], 9), -1 + later[1], reward + later[2]))
        return max(found)

    start = (state(env.unwrapped), None)
    worlds[start] = (env.unwrapped, None)
    total, minus_steps, true = search(start, 0)
    return total, -minus_steps, true


def chain(paid):
    return best("rewardwrap/StepChain-v0", paid, state=lambda env: env._useful)


def plain(weight):
    def paid(reward, info, terminated, truncated, memory):
        return reward + weight * info["process_score"], None

    return paid


def clipped(score):
    return min(score - 0.85, 0.0)


def differences(shape):
    """Pay p_k - p_{k+1} one step late, and the last pending score at the end."""

    def paid(reward, info, terminated, truncated, memory):
        score = None if terminated else shape(info["process_score"])
        before = 0.0 if memory is None else memory
        first = memory is None
        now = before if terminated else (0.0 if first else before - score)
        if truncated and not terminated:
            now += score
        return reward + 0.1 * now, score

    return paid


def test_with_success_only_the_optimum_is_three_useful_steps_and_the_answer():
    assert chain(plain(0.0)) == (1.0, 4, 1.0)


def test_a_small_process_score_makes_the_optimum_use_all_twenty_steps():
    total, steps, true = chain(plain(0.1))
    assert (steps, true) == (20, 1.0)
    assert total == pytest.approx(1.0 + 0.1 * (3 * 0.8 + 16 * 0.9))


def test_a_large_process_score_makes_the_optimum_never_answer():
    assert chain(plain(1.0)) == (18.0, 20, 0.0)


def test_clipping_the_score_restores_the_shortest_answer():
    def paid(reward, info, terminated, truncated, memory):
        return reward + (0.0 if terminated else 0.1 * clipped(info["process_score"])), None

    assert chain(paid)[1:] == (4, 1.0)


@pytest.mark.parametrize("shape", [lambda score: score, clipped])
def test_differences_of_the_score_waste_at_most_one_step(shape):
    assert chain(differences(shape))[1:] == (5, 1.0)


def test_an_early_answer_ends_the_episode_with_nothing():
    env = gymnasium.make("rewardwrap/StepChain-v0")
    env.reset()
    assert env.step(USEFUL)[1:3] == (0.0, False)
    _, reward, terminated, truncated, info = env.step(ANSWER)
    assert (reward, terminated, truncated) == (0.0, True, False)
    assert info == {"process_score": 0.0, "is_success": False}


def test_repeating_is_cut_off_after_twenty_steps():
    env = gymnasium.make("rewardwrap/StepChain-v0")
    env.reset()
    ends = [env.step(REPEAT)[2:4] for _ in range(20)]
    assert ends == [(False, False)] * 19 + [(False, True)]


def test_the_true_return_is_best_by_walking_straight():
    walk = best(
        "rewardwrap/NoisyTV-v0",
        lambda reward, info, terminated, truncated, memory: (reward, None),
        state=lambda env: env._cell,
    )
    assert walk == (1.0, 7, 1.0)


def test_with_the_raw_bonus_the_optimum_watches_to_the_end():
    watch = best(
        "rewardwrap/NoisyTV-v0",
        lambda reward, info, terminated, truncated, memory: (reward + info["idle_bonus"], None),
        state=lambda env: env._cell,
    )
    assert watch == (15.0, 50, 0.0)


def test_noise_is_fresh_while_watching_and_frozen_while_walking():
    env = gymnasium.make("rewardwrap/NoisyTV-v0")
    at_reset = env.reset(seed=0)[0]
    walked = env.step(1)[0]
    watched = env.step(2)[0]
    assert (walked[1:] == at_reset[1:]).all()
    assert (watched[1:] != walked[1:]).all()
    assert watched[0] == walked[0]


def test_a_television_without_channels_is_refused():
    with pytest.raises(ValueError, match="channels must be at least 1, got 0"):
        gymnasium.make("rewardwrap/NoisyTV-v0", channels=0)


def test_both_draw_themselves():
    chain_env = gymnasium.make("rewardwrap/StepChain-v0", render_mode="ansi")
    corridor = gymnasium.make("rewardwrap/NoisyTV-v0", render_mode="ansi")
    chain_env.reset()
    corridor.reset()
    chain_env.step(USEFUL)
    corridor.step(1)
    assert (chain_env.render(), corridor.render()) == ("#.. step 1", ".A.....G")


@pytest.mark.parametrize(
    ("name", "state", "steps"),
    [
        ("rewardwrap/Ans-v0", lambda env: env._done, lambda env: env._need + 1),
        ("rewardwrap/Reach-v0", lambda env: env._cell, lambda env: abs(env._goal) + 1),
    ],
)
def test_the_shortest_success_has_the_promised_length(name, state, steps):
    found = best(
        name, lambda reward, info, terminated, truncated, memory: (reward, None), state=state
    )
    env = gymnasium.make(name)
    env.reset(seed=0)
    assert found == (1.0, steps(env.unwrapped), 1.0)


@pytest.mark.parametrize("name", ["rewardwrap/Ans-v0", "rewardwrap/Reach-v0"])
def test_equal_seeds_ask_the_same_and_all_questions_come(name):
    env = gymnasium.make(name)
    first = [env.reset(seed=seed)[0].tolist() for seed in range(200)]
    assert first == [env.reset(seed=seed)[0].tolist() for seed in range(200)]
    sizes = {round(10 * abs(max(obs, key=abs))) for obs in first}
    assert sizes == {3, 4, 5, 6, 7, 8}


def test_answers_and_stops_end_and_wandering_is_cut():
    for name, lazy in (("rewardwrap/Ans-v0", 1), ("rewardwrap/Reach-v0", 0)):
        env = gymnasium.make(name, render_mode="ansi")
        env.reset(seed=0)
        assert env.step(2)[1:3] == (0.0, True)
        env.reset(seed=0)
        ends = [env.step(lazy)[2:4] for _ in range(env.spec.max_episode_steps)]
        assert ends == [(False, False)] * (len(ends) - 1) + [(False, True)]
        assert env.render()
