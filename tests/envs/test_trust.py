"""What a file names is imported only where its reader named it too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap_envs
from rewardwrap_envs.errors import RecipeError
from rewardwrap_envs.trust import DEEPEST, VARIABLE, references, require_trusted


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({"env": "helper:Walk-v0"}, ["helper"]),
        ({"env": "a file with blanks:Walk-v0"}, ["a file with blanks"]),
        ({"envs": ["CartPole-v1", "helper:A"]}, ["helper"]),
        ({"envs": {"helper:A": {"steps": 5}}}, ["helper"]),
        (["env", {"potential": {"phi": "mine.phis:height"}, "weight": 2}], ["mine.phis"]),
        ({"function": {"function": "mine:f"}}, ["mine"]),
        ({"row": {"env_wrapper": "mine.layers.Skip"}}, ["mine.layers"]),
        ({"env_wrapper": [{"mine.Skip": {"n": 2}}, "other.Wrap"]}, ["mine", "other"]),
        ({"strategies": {"a": "{function: 'mine:f'}"}}, ["mine"]),
        ({"strategies": {"a": "[env, {potential: {phi: 'mine:f'}}]"}}, ["mine"]),
        ({"third_party": {"score": "mine:f"}}, ["mine"]),
        ({"phi": "torso_z", "env": "ALE/Pong-v5", "name": "upright: yes", "file": "C:\\x"}, []),
        ({"code": "def reward(obs, action, next_obs, info):\n    return obs[:, 0]"}, []),
    ],
)
def test_every_way_to_name_a_module_is_found(data, named):
    assert list(references(data)) == named


def test_a_module_needs_a_word_of_its_reader(monkeypatch):
    data = {"env": "helper.games:Walk-v0"}
    with pytest.raises(RecipeError, match=r"x\.yml: .*got helper\.games\. .*--trust helper\.games"):
        require_trusted(data, "x.yml")
    require_trusted(data, "x.yml", ["helper.games"])
    require_trusted(data, "x.yml", ["helper"])
    for other in ("help", "helper.games.more", "other"):
        with pytest.raises(RecipeError, match="must be trusted"):
            require_trusted(data, "x.yml", [other])
    monkeypatch.setenv(VARIABLE, "other, helper")
    require_trusted(data, "x.yml")


@given(st.recursive(st.text(max_size=8), lambda inner: st.lists(inner, max_size=4), max_leaves=20))
def test_text_without_a_colon_or_a_layer_names_nothing(data):
    if ":" not in str(data):
        assert list(references(data)) == []


def test_what_lies_deeper_than_any_reward_is_one_sentence():
    data: object = "env"
    for _ in range(100_000):
        data = [data]
    with pytest.raises(RecipeError, match=f"at most {DEEPEST} deep"):
        list(references(data))


def test_the_shipped_recipes_need_no_word():
    for recipe in rewardwrap_envs.recipes().values():
        recipe.require_trusted()
        require_trusted({"potential": recipe.potential}, recipe.path)


RECIPE = """
id: {id}
name: Strange-v0
summary: a recipe from somewhere
suite: mine
wrappers:
  all: {layers}
"""


@pytest.mark.parametrize(
    ("id", "layers"),
    [("stranger:Walk-v0", "[]"), ("CartPole-v1", "[stranger.Layer]")],
)
def test_a_recipe_of_a_folder_imports_nothing_unasked(tmp_path, monkeypatch, id, layers):
    (tmp_path / "stranger.py").write_text("raise SystemExit('it ran')\n")
    (tmp_path / "strange.yml").write_text(RECIPE.format(id=id, layers=layers))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        RecipeError, match="strange.yml: a module that a file names must be trusted"
    ):
        rewardwrap_envs.recipe("Strange-v0", [tmp_path]).build()
    monkeypatch.setenv(VARIABLE, "stranger")
    with pytest.raises(SystemExit, match="it ran"):
        rewardwrap_envs.recipe("Strange-v0", [tmp_path]).build()
