"""A recipe that breaks a rule is refused with its line and a way out."""

import pytest

from rewardwrap_envs import RecipeError
from rewardwrap_envs.schema import read

GOOD = """\
id: CartPole-v1
summary: Keep a pole upright.
suite: classic_control
width: 4
fields:
  angle: {index: 2, unit: rad, description: pole}
"""


def write(tmp_path, text):
    path = tmp_path / "mine.yml"
    path.write_text(text)
    return path


def test_a_short_recipe_takes_the_defaults(tmp_path):
    recipe = read(write(tmp_path, GOOD))
    assert (recipe.name, recipe.gamma, recipe.potential) == ("CartPole-v1", 0.99, None)
    assert recipe.field("angle").unit == "rad"
    assert (recipe.returns.random, recipe.success, recipe.threshold) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("width: 4", "widht: 4"), 4, 'got "widht". Did you mean "width"?'),
        (("suite: classic_control\n", ""), 1, 'must have the key "suite"'),
        (("width: 4", "width: four"), 4, "\"width\" must be a whole number, got 'four'"),
        (("width: 4", "width: true"), 4, '"width" must be a whole number, got True'),
        (("width: 4\n", ""), 5, "Add `width:` (Box) or `radix:` (Discrete)"),
        (("index: 2", "index: 4"), 6, '"index" must be below 4, got 4'),
        (("index: 2", "index: -1"), 6, '"index" must count from 0'),
        (("index: 2", "info: angle, key: goal"), 6, "must be in info or in the observation"),
        (("index: 2, ", ""), 6, "got neither index nor info"),
        (("unit: rad, ", ""), 6, 'must have the key "unit"'),
        (("unit: rad", "units: rad"), 6, 'Did you mean "unit"?'),
        (("width: 4", "width: 4\ngamma: 1.2"), 5, '"gamma" must lie in [0, 1], got 1.2'),
        (("width: 4", "width: 4\ngamma: 9e-1"), 5, "with a dot and a sign"),
        (("width: 4", "width: 4\nthreshold: .nan"), 5, '"threshold" must be finite'),
        (("width: 4", "width: 4\npotential: {angel: 1.0}"), 5, 'Did you mean "angle"?'),
        (("width: 4", "width: 4\nmirror: [angel]"), 5, 'Did you mean "angle"?'),
        (("width: 4", "width: 4\nreturns: {random: 1.0}"), 5, "must name their source"),
        (
            ("width: 4", "width: 4\nbounds: {step: [1.0, 0.0]}"),
            5,
            "got [1.0, 0.0]. Swap",
        ),
        (("width: 4", "width: 4\nbounds: {step: [1.0]}"), 5, "Use null for a side"),
        (("width: 4", "width: 4\nbounds: {game: [0, 1]}"), 5, 'known keys, got "game"'),
        (("width: 4", "width: 4\nsuccess: {info: a, true_return_at_least: 1.0}"), 5, "one rule"),
        (("width: 4", "width: 4\nwrappers:\n  train: [nodots]"), 6, "must be a dotted path"),
        (("width: 4", "width: 4\nwrappers: {test: []}"), 5, 'got "test"'),
        (("width: 4", "width: 4\nradix: [0]"), 5, "whole numbers above 0"),
        (
            ("fields:\n  angle: {index: 2, unit: rad, description: pole}", "fields: 3"),
            5,
            "a mapping",
        ),
    ],
)
def test_a_broken_rule_is_refused_with_its_line(tmp_path, change, line, message):
    path = write(tmp_path, GOOD.replace(*change))
    with pytest.raises(RecipeError) as raised:
        read(path)
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"{path}:{line}:")
