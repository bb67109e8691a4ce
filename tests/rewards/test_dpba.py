from __future__ import annotations

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.testing import check_reward

GAMMA, CHAIN = 0.9, (0.5, -0.2, 0.3)


def chain(terminated: bool = True) -> dict[str, list[float]]:
    ends = [0, 0, int(terminated)]
    return {
        "obs": [[0.0], [1.0], [2.0], [3.0]],
        "action": [0, 0, 0],
        "reward": list(CHAIN),
        "terminated": ends,
        "truncated": [0, 0, int(not terminated)],
    }


def settled(**fields) -> rw.DPBA:
    advice = rw.DPBA(rw.EnvReward(), gamma=GAMMA, rate=1.0, **fields)
    for _ in range(4):
        rw.relabel(advice, chain(), training=True)
    return advice


def test_nothing_is_paid_at_first_and_at_the_fixed_point_what_the_reward_pays():
    advice = rw.DPBA(rw.EnvReward(), gamma=GAMMA, rate=1.0)
    assert rw.relabel(advice, chain(), training=True).tolist()[0] == 0.0
    assert rw.relabel(settled(), chain()).tolist() == pytest.approx(CHAIN)


def test_the_table_is_what_minus_the_reward_is_worth():
    found = sorted(set(np.round(list(settled().table.values()), 9)))
    assert found == pytest.approx([-0.563, -0.3, -0.07])


def test_the_table_moves_by_what_is_paid_too_much():
    rng, none = np.random.default_rng(0), np.zeros(1, bool)
    advice = rw.DPBA(rw.EnvReward(), gamma=GAMMA, rate=0.5)
    for _ in range(200):
        obs, action, after, reward = rng.integers(0, 3, (4, 1)).astype(float)
        old = dict(advice.table)
        step = rw.Transitions(obs[:, None], action, after[:, None], reward, none, none, none)
        _, paid = advice.step(advice.init(1), step)
        moved = [advice.table[name] - old.get(name, 0.0) for name in advice.table]
        assert min(abs(m - 0.5 * (paid - reward)[0]) for m in moved) < 1e-12


def test_a_time_limit_is_no_end():
    advice = settled()
    paid = rw.relabel(advice, chain(terminated=False))
    # Psi of the state behind was never learned: 0, as at an end
    assert paid.tolist() == pytest.approx(CHAIN)
    for _ in range(2):
        rw.relabel(advice, {**chain(), "obs": [[3.0], [4.0], [5.0], [6.0]]}, training=True)
    assert rw.relabel(advice, chain(terminated=False))[-1] != pytest.approx(CHAIN[-1])


def test_lanes_that_meet_are_paid_alike_and_move_the_table_once():
    def knows(lanes: int) -> dict[bytes, float]:
        advice = rw.DPBA(rw.EnvReward(), gamma=GAMMA, rate=0.5)
        none, rows = np.zeros(lanes, bool), np.zeros((lanes, 1))
        step = rw.Transitions(rows, rows, rows + 1, np.ones(lanes), none, none, ~none)
        _, paid = advice.step(advice.init(lanes), step)
        assert len(set(paid)) == 1
        return dict(advice.table)

    assert knows(8) == knows(1)


def test_it_is_kept_with_the_model(tmp_path):
    rw.save(settled(), tmp_path)
    assert rw.relabel(rw.load(tmp_path), chain()).tolist() == pytest.approx(CHAIN)


def test_what_fades_ends_as_the_reward_without_it_bit_by_bit():
    reward = rw.EnvReward() + rw.Schedule(rw.DPBA(rw.EnvReward(), gamma=GAMMA), over=3)
    rw.relabel(reward, chain(), training=True)
    assert rw.relabel(reward, chain(), training=True).tolist() == list(CHAIN)


def test_the_contract():
    assert check_reward(rw.DPBA(rw.EnvReward(), gamma=0.9)) == ()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"rate": 0.0}, "DPBA: rate must"),
        ({"gamma": 1.5}, "DPBA: gamma must"),
        ({"key": "place"}, 'DPBA: key must be a function, "module:function" or None, got'),
    ],
)
def test_bad_settings_are_a_sentence(fields, sentence):
    with pytest.raises(rw.ConfigError, match=sentence):
        rw.DPBA(rw.EnvReward(), **fields)


def test_a_key_that_is_not_hashable_is_a_sentence():
    advice = rw.DPBA(rw.EnvReward(), key=lambda obs: [[0]] * len(obs), gamma=0.9)
    with pytest.raises(rw.RewardValueError, match="DPBA: key must return hashable keys, got list"):
        rw.relabel(advice, chain(), training=True)
