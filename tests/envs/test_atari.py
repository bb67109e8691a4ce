"""Atari recipes: raw scores, whole games, and memory bytes that mean what their names say."""

import sys

import numpy as np
import pytest

from rewardwrap_envs import MissingPackage, recipe, recipes

pytest.importorskip("ale_py")

GAMES = [name for name, known in recipes().items() if known.suite == "atari"]


class Play:
    """One game played by `act(values, step) -> action name`, everything noted."""

    def __init__(self, game, act, *, steps, sticky=0.0):
        known = recipe(f"ALE/{game}-ram-v5")
        env = known.build(repeat_action_probability=sticky)
        names = env.unwrapped.get_action_meanings()
        rng = np.random.default_rng(0)
        obs, info = env.reset(seed=0)
        self.rewards, self.actions, self.rows = [0.0], ["RESET"], []
        for step in range(steps + 1):
            values = {field: float(known.read(field, obs, info)) for field in known.fields}
            self.rows.append(values)
            if step == steps:
                break
            action = act(values, step) if act else rng.choice(names)
            obs, reward, terminated, truncated, info = env.step(names.index(action))
            self.rewards.append(float(reward))
            self.actions.append(action)
            if terminated or truncated:
                self.rows.append({f: float(known.read(f, obs, info)) for f in known.fields})
                break
        self.rewards = np.array(self.rewards)

    def __getitem__(self, field):
        return np.array([row[field] for row in self.rows])

    def moves(self, field, action):
        """Mean change of a field under an action."""
        played = np.array(self.actions[1:]) == action
        return float(np.diff(self[field])[played].mean())


def bcd(value):
    return value // 16 * 10 + value % 16


@pytest.mark.parametrize("name", GAMES)
def test_memory_is_in_the_info_of_reset_and_step_as_a_copy(name):
    env = recipe(name).build()
    _, at_reset = env.reset(seed=0)
    _, _, _, _, at_step = env.step(0)
    for info in (at_reset, at_step):
        assert info["ram"].shape == (128,)
        assert info["ram"].dtype == np.uint8
    assert at_reset["ram"] is not at_step["ram"]
    assert (at_reset["ram"] != at_step["ram"]).any()
    env.close()


@pytest.mark.parametrize("name", GAMES)
def test_the_observation_is_what_learners_expect(name):
    env = recipe(name).build()
    obs, info = env.reset(seed=0)
    assert env.observation_space.contains(obs)
    if "-ram" in name:
        assert obs.dtype == np.float32
        assert obs == pytest.approx(info["ram"] / 255.0, abs=1e-6)
    else:
        assert (obs.shape, obs.dtype) == ((4, 84, 84), np.uint8)
    env.close()


@pytest.mark.parametrize("name", ["ALE/Breakout-v5", "ALE/Breakout-ram-v5"])
def test_an_episode_is_the_whole_game_and_not_one_life(name):
    env = recipe(name).build()
    _, info = env.reset(seed=0)
    lives, over = [info["lives"]], False
    while not over:
        _, _, over, truncated, info = env.step(1)
        assert not truncated
        lives.append(info["lives"])
    assert (lives[0], lives[-1]) == (5, 0)
    env.close()


def test_missing_packages_are_answered_with_the_line_that_installs_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(MissingPackage, match=r'pip install "rewardwrap\[atari\]"'):
        recipe("ALE/Pong-v5").build()


def test_the_score_is_not_clipped():
    play = Play("SpaceInvaders", None, steps=600)
    assert play.rewards.max() >= 10.0


def test_freeway_names_its_bytes():
    play = Play("Freeway", lambda values, step: "UP", steps=1600)
    height, crossed = play["player_y"], play.rewards > 0
    assert height.min() == 6.0
    assert 170.0 <= height.max() <= 177.0
    assert (np.cumsum(play.rewards) == bcd(play["crossings"])).all()
    assert crossed.sum() >= 10
    hits = np.flatnonzero((np.diff(height) == -4.0) & (np.diff(height, prepend=6.0)[:-1] >= 0))
    lanes = np.rint((height[hits] - 16.0) / 16.0 - 0.2).astype(int).clip(0, 9)
    near = [play[f"car_{lane}_x"][hit] for hit, lane in zip(hits, lanes, strict=True)]
    assert len(near) >= 15
    assert np.mean(np.abs(np.array(near) - 45.0) <= 13.0) >= 0.9


def test_pong_names_its_bytes():
    play = Play("Pong", None, steps=1200)
    assert play.moves("player_y", "RIGHT") < -5.0 < 5.0 < play.moves("player_y", "LEFT")
    assert np.cumsum(play.rewards > 0)[-1] == play["player_score"][-1]
    assert np.cumsum(play.rewards < 0)[-1] == play["enemy_score"][-1] > 5
    lost = np.flatnonzero(play.rewards < 0)
    assert (play["ball_x"][lost - 1] > 190.0).all()
    near = (play["ball_x"] > 0) & (play["ball_x"] < 90.0)
    assert np.corrcoef(play["ball_y"][near], play["enemy_y"][near])[0, 1] > 0.9


def test_breakout_names_its_bytes_well_enough_to_play_by_them():
    def follow(values, step):
        if step % 15 == 0:
            return "FIRE"
        gap = values["ball_x"] - values["player_x"] - 8.0
        return "RIGHT" if gap > 4.0 else "LEFT" if gap < -4.0 else "NOOP"

    play = Play("Breakout", follow, steps=1500)
    assert play.rewards.sum() > 20.0
    assert play["ball_y"][play.rewards > 0].max() < 100.0
    missed = np.flatnonzero(np.diff(play["lives"]) < 0)
    assert len(missed) >= 1
    assert (play["ball_y"][missed] > 180.0).all()


def test_space_invaders_names_its_bytes():
    play = Play("SpaceInvaders", None, steps=600)
    shot = (play.rewards > 0) & (play.rewards <= 30)
    assert shot.sum() >= 3
    assert play["invaders_left"][1] == 36.0
    assert play["invaders_left"][-1] == 36.0 - shot.sum()
    assert play.moves("player_x", "LEFT") < 0.0 < play.moves("player_x", "RIGHT")


def test_seaquest_names_its_bytes():
    play = Play("Seaquest", lambda values, step: "DOWN" if step < 90 else "UP", steps=400)
    assert play["player_y"][60:90].max() > 100.0
    assert play["player_y"].min() == 13.0
    assert play["oxygen"].max() == 64.0
    below = slice(60, 90)
    assert (np.diff(play["oxygen"][below]) <= 0.0).all()
    assert play["oxygen"][89] < play["oxygen"][60]
    sideways = Play("Seaquest", None, steps=600)
    assert sideways.moves("player_x", "LEFT") < 0.0 < sideways.moves("player_x", "RIGHT")


def test_montezuma_names_the_position_of_the_explorer():
    right = Play("MontezumaRevenge", lambda values, step: "RIGHT", steps=20)
    left = Play("MontezumaRevenge", lambda values, step: "LEFT", steps=20)
    down = Play("MontezumaRevenge", lambda values, step: "DOWN", steps=40)
    assert left["player_x"].min() < right["player_x"][1] < right["player_x"].max()
    assert down["player_y"].min() < down["player_y"][1]
    assert right["room"][1] == 1.0


@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ({"obs_type": "ram"}, (128,)),
        ({"obs_type": "grayscale"}, (210, 160)),
        ({"frameskip": 4}, (210, 160, 3)),
        ({"repeat_action_probability": 0.0}, (4, 84, 84)),
        ({"frameskip": 1}, (4, 84, 84)),
    ],
)
def test_wrappers_yield_to_what_the_user_asks(asked, shape):
    import gymnasium

    env = recipe("ALE/Pong-v5").build(**asked)
    assert env.observation_space.shape == shape
    assert "ram" in env.reset(seed=0)[1]
    if len(shape) != 3 or shape[0] != 4:
        plain = gymnasium.make("ALE/Pong-v5", repeat_action_probability=0.25, **asked)
        assert env.observation_space == plain.observation_space
        assert env.unwrapped._frameskip == plain.unwrapped._frameskip
