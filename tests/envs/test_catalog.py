"""Finding recipes: shipped, from a folder, from another package."""

import pickle
import subprocess
import sys

import pytest

from rewardwrap_envs import RecipeError, UnknownField, UnknownRecipe, find, recipe, recipes

MINE = """\
name: Mine
id: CartPole-v1
summary: Mine.
suite: mine
make: {max_episode_steps: 7}
wrappers:
  all:
    - gymnasium.wrappers.ClipReward: {max_reward: 0.5}
  eval:
    - gymnasium.wrappers.RecordEpisodeStatistics
"""


def test_a_misspelt_name_is_refused_with_near_misses():
    with pytest.raises(UnknownRecipe, match=r'No recipe "Hoper-v5"\. Did you mean "Hopper-v5"'):
        recipe("Hoper-v5")
    assert find("Hoper-v5") is None


def test_a_misspelt_field_is_refused_with_near_misses():
    with pytest.raises(UnknownField, match='Did you mean "torso_z"'):
        recipe("Hopper-v5").field("torso_zz")


def test_a_folder_of_the_user_adds_recipes_and_wins_over_shipped_ones(tmp_path):
    (tmp_path / "mine.yml").write_text(MINE)
    (tmp_path / "hopper.yml").write_text("id: Hopper-v5\nsummary: Other.\nsuite: mine\n")
    known = recipes(tmp_path)
    assert known["Mine"].path == tmp_path / "mine.yml"
    assert known["Hopper-v5"].summary == "Other."
    assert recipe("Hopper-v5").suite == "mujoco"


def test_an_edited_file_is_read_again(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text(MINE)
    assert recipes(tmp_path)["Mine"].suite == "mine"
    path.write_text(MINE.replace("suite: mine", "suite: another"))
    assert recipes(tmp_path)["Mine"].suite == "another"


def test_two_files_with_one_name_are_refused(tmp_path):
    (tmp_path / "a.yml").write_text(MINE)
    (tmp_path / "b.yml").write_text(MINE)
    with pytest.raises(RecipeError, match="must be unique in its folder, got 'Mine'"):
        recipes(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="must be a folder"):
        recipes(tmp_path / "nowhere")


def test_another_package_adds_recipes_by_entry_point(tmp_path, monkeypatch):
    package = tmp_path / "other_recipes"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "mine.yml").write_text(MINE)
    metadata = tmp_path / "other-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[rewardwrap.recipes]\nother = other_recipes\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert recipe("Mine").suite == "mine"


def test_building_applies_arguments_wrappers_and_overrides(tmp_path):
    (tmp_path / "mine.yml").write_text(MINE)
    mine = recipe("Mine", [tmp_path])
    train, test = mine.build(), mine.build(split="eval", max_episode_steps=3)
    assert "RecordEpisodeStatistics" not in str(train)
    assert str(test).startswith("<RecordEpisodeStatistics<ClipReward<TimeLimit")
    test.reset(seed=0)
    assert test.step(1)[1] == 0.5
    assert test.step(0)[3] is False
    assert test.step(1)[3] is True


def test_an_unknown_split_or_wrapper_is_refused(tmp_path):
    (tmp_path / "mine.yml").write_text(MINE.replace("ClipReward", "ClipRewardd"))
    mine = recipe("Mine", [tmp_path])
    with pytest.raises(RecipeError, match='split must be "train" or "eval"'):
        mine.build(split="test")
    with pytest.raises(RecipeError, match="must be an importable dotted path"):
        mine.build()


def test_an_observation_of_another_width_is_refused():
    hopper = recipe("Hopper-v5")
    hopper.check(hopper.build())
    other = hopper.build(exclude_current_positions_from_observation=False)
    with pytest.raises(RecipeError, match="must be a flat Box of width 11"):
        hopper.check(other)


def test_a_discrete_observation_of_another_size_is_refused():
    lake = recipe("FrozenLake-8x8")
    with pytest.raises(RecipeError, match=r"must be Discrete\(64\)"):
        lake.check(lake.build(map_name="4x4"))


def test_recipes_travel_to_worker_processes():
    hopper = recipe("Hopper-v5")
    assert pickle.loads(pickle.dumps(hopper)) == hopper


def test_importing_loads_neither_torch_nor_an_emulator():
    code = (
        "import sys, rewardwrap_envs, gymnasium; rewardwrap_envs.recipes();"
        "gymnasium.make('rewardwrap/NoisyTV-v0');"
        "bad = {'torch', 'stable_baselines3', 'ale_py', 'mujoco', 'rewardwrap'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
