"""The miniatures: the contract of gymnasium, and the optima the docstrings promise."""

import copy
import functools
import itertools
import sqlite3

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import rewardwrap_envs  # noqa: F401 - registers the environments
from rewardwrap_envs import queries
from rewardwrap_envs.canvas import BLUE, RED, Canvas
from rewardwrap_envs.melody import NOTES
from rewardwrap_envs.search_qa import HAND_OVER, READ, SEARCH
from rewardwrap_envs.step_chain import ANSWER, REPEAT, USEFUL

NAMES = (
    "StepChain NoisyTV Ans Reach Canvas Lesion Melody TransChain SearchQA LaneDrive Verify QueryBuild "
    "FourRooms ChainInsert Runner PushBall"
)
MINIATURES = [f"rewardwrap/{name}-v0" for name in NAMES.split()]


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
        for action in range(env.action_space.n):
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


def as_paid(reward, info, terminated, truncated, memory):
    return reward, None


def test_a_canvas_pays_for_the_counts_in_their_halves_and_for_nothing_else():
    env = Canvas(size=2)
    env.reset(seed=3)
    red, blue = (int(n) for n in env._wanted)
    for cells in itertools.product(range(3), repeat=4):
        env.reset(seed=3)
        *_, (_, reward, over, _, info) = [env.step(np.int64(cell)) for cell in cells]
        above, below = cells[:2], cells[2:]
        right = above.count(RED) == red and below.count(BLUE) == blue
        right &= BLUE not in above and RED not in below
        assert (reward, over, info["is_success"]) == (float(right), True, right)
    with pytest.raises(ValueError, match="size must be an even number of at least 2, got 3"):
        Canvas(size=3)


def test_bright_cells_with_a_bright_neighbour_are_the_lesion_and_specks_are_not():
    env, specks = gymnasium.make("rewardwrap/Lesion-v0", render_mode="ansi"), 0
    for seed in range(40):
        obs, _ = env.reset(seed=seed)
        over = False
        while not over:
            near = obs[1:].reshape(3, 3) > 0.5
            ill = near[1, 1] and (near[[0, 2], 1].any() or near[1, [0, 2]].any())
            specks += int(near[1, 1] and not ill)
            obs, reward, over, _, info = env.step(int(ill))
            assert info["ill"] == ill
        assert (reward, info["is_success"]) == (1.0, True)
        assert set(env.render()) <= set("#.\n")
    assert specks > 0


def continued(notes):
    """A melody that keeps all four rules."""
    if len(notes) == 8:
        return notes if notes[-1] in (0, 7) and len(set(notes)) >= 4 else None
    near = (notes[-1] + step for step in (-2, -1, 1, 2))
    found = (continued([*notes, note]) for note in near if 0 <= note < NOTES)
    return next(filter(None, found), None)


def test_every_first_note_can_be_continued_by_all_four_rules():
    env, first = gymnasium.make("rewardwrap/Melody-v0"), set()
    for seed in range(40):
        env.reset(seed=seed)
        (note,) = env.unwrapped.written
        first.add(note)
        rest = continued([note])[1:]
        ends = [env.step(key)[1:3] for key in rest]
        assert ends[-1] == (1.0, True), (note, rest)
    assert first == set(range(NOTES))


def test_a_translation_is_right_word_by_word():
    from rewardwrap_envs.trans_chain import LANGUAGES, STOP, translation

    assert translation((0, 0, 3, 2), 0) == (0, 3, 0, 2)
    assert translation((1, 0), 2) == (3, 2)
    env = gymnasium.make("rewardwrap/TransChain-v0")
    for seed in range(20):
        env.reset(seed=seed, options={"language": seed % LANGUAGES})
        world = env.unwrapped
        words = translation(world.source, world.language)
        *_, (_, reward, over, _, info) = [env.step(word) for word in (*words, STOP)]
        assert (reward, over, info["is_success"], info["language"]) == (1, True, True, seed % 4)
        env.reset(seed=seed)
        env.step(words[0])
        assert env.step(STOP)[1] <= 1 / len(words)
    few = gymnasium.make("rewardwrap/TransChain-v0", sentences=3)
    assert len({few.reset(seed=seed)[0][-5:].tobytes() for seed in range(40)}) == 3
    with pytest.raises(ValueError, match="sentences must be at least 1, got 0"):
        gymnasium.make("rewardwrap/TransChain-v0", sentences=0)


def test_the_shortest_search_goes_up_to_the_document_or_hands_over():
    for seed in range(4):
        env = gymnasium.make("rewardwrap/SearchQA-v0")
        steps = 0
        obs, over = env.reset(seed=seed)[0], False
        while not over:
            known = obs[4:].any()
            action = HAND_OVER + 1 + obs[4:].argmax() if known else READ if obs[1] else SEARCH
            obs, reward, over, _, info = env.step(int(action))
            steps += 1
        assert (reward, info["grounded"]) == (1.0, 1.0)
        assert steps == env.unwrapped._where + 3
    desk = gymnasium.make("rewardwrap/SearchQA-v0", unanswerable=1.0, render_mode="ansi")
    desk.reset(seed=0)
    assert not any(desk.step(SEARCH)[0][1] for _ in range(4))
    assert desk.render() == "other document, nothing read"
    assert desk.step(HAND_OVER)[1:3] == (1.0, True)
    with pytest.raises(ValueError, match=r"unanswerable must lie in \[0, 1\], got 2"):
        gymnasium.make("rewardwrap/SearchQA-v0", unanswerable=2)


def test_a_careful_drive_arrives_without_a_violation_from_every_start():
    starts, env = set(), gymnasium.make("rewardwrap/LaneDrive-v0")
    for seed in range(60):
        obs, _ = env.reset(seed=seed)
        world, over = env.unwrapped, False
        starts.add((world._other, world._green))
        while not over:
            cell, red, gap = (obs[:3] * (10, 8, 10)).round().tolist()
            held = gap <= 1 or (cell == 5 and red > 0)
            obs, reward, over, _, info = env.step(0 if held else 1)
        assert (reward, info["is_success"]) == (1.0, True)
        assert 13 <= world._clock <= 20
    assert len(starts) == 15


def test_crashes_lights_and_speed_cost_what_the_docstring_says():
    env = gymnasium.make("rewardwrap/LaneDrive-v0", render_mode="ansi")
    env.reset(seed=0)
    world = env.unwrapped
    world._other, world._green = 1, 8
    *_, info = env.step(2)
    assert (info["collision"], info["speeding"], info["route"]) == (1.0, 1.0, 20.0)
    env.reset(seed=0)
    world._other, world._green = 8, 8
    rewards = [env.step(1) for _ in range(10)]
    assert [r[4]["red_light"] for r in rewards] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert rewards[-1][1:3] == (pytest.approx(0.7), True)
    assert env.render() == "......|....A"


def test_a_sum_is_checked_in_either_wording_and_work_writes_it_on_the_pad():
    one, other = (gymnasium.make("rewardwrap/Verify-v0", view=view) for view in (0, 1))
    for seed in range(20):
        (obs, _), (again, _) = one.reset(seed=seed), other.reset(seed=seed)
        assert (obs[:8] == again[:8]).all()
        right = int(obs[:4].argmax() + obs[4:8].argmax()) % 4
        assert not obs[12:16].any()
        obs, reward, over, _, info = one.step(4)
        assert (obs[12:16].argmax(), reward, over) == (right, 0.0, False)
        assert np.isnan(info["answer"])
        assert [float(env.step(right)[1]) for env in (one, other)] == [1.0, 1.0]
    with pytest.raises(ValueError, match="view must be 0, 1 or None, got 2"):
        gymnasium.make("rewardwrap/Verify-v0", view=2)


def test_the_wanted_query_finds_rows_and_the_database_can_only_be_read():
    env = gymnasium.make("rewardwrap/QueryBuild-v0")
    seen = set()
    for seed in range(60):
        env.reset(seed=seed)
        gold = env.unwrapped.gold
        seen.add((env.unwrapped._schema, *gold))
        rows = queries.answer(env.unwrapped._schema, tuple(gold))
        assert rows
        *_, info = [env.step(token) for token in gold][-1]
        assert {info[k] for k in ("runs", "right", "schema", "likeness")} == {1.0}
    assert len(seen) > 12
    before = sorted(queries.database().execute("select * from pets").fetchall())
    for word in (
        "drop table pets",
        "attach 'x' as y",
        "pragma query_only = off",
        "delete from pets",
    ):
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            queries.database().execute(word)
    assert sorted(queries.database().execute("select * from pets").fetchall()) == before


def test_a_query_that_does_not_run_or_takes_too_long_finds_nothing(monkeypatch):
    assert queries.answer(0, (queries.FROM, queries.END)) is None
    assert queries.answer(0, (queries.END,)) is None
    gold = (queries.SELECT, queries.COLUMN, queries.FROM, queries.TABLE, queries.END)
    monkeypatch.setattr(queries, "ROWS", 3)
    assert queries.answer(1, gold) is None
    monkeypatch.undo()
    monkeypatch.setattr(queries, "STEPS", -1)
    assert queries.answer(2, (*gold[:-1], queries.WHERE, *gold[1:2], queries.ABOVE)) is None
    queries.answer.cache_clear()
    assert queries.jaccard({"a", "b"}, {"b", "c"}) == 1 / 3
    assert queries.jaccard(set(), set()) == 1.0
