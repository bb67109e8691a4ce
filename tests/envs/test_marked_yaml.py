"""Lines, duplicates and merges of the YAML reader."""

import pytest

from rewardwrap_envs import MarkedYamlError
from rewardwrap_envs.marked_yaml import load, parse, place


def test_every_entry_knows_its_line(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text("# head\nid: x\nfields:\n  torso_z:\n    unit: m\nlist:\n  - 1\n  - a: 2\n")
    data, lines = load(path)
    assert data == {"id": "x", "fields": {"torso_z": {"unit": "m"}}, "list": [1, {"a": 2}]}
    assert lines["fields", "torso_z", "unit"] == 5
    assert (lines["id",], lines["list", 0], lines["list", 1, "a"]) == (2, 7, 8)


def test_an_entry_without_a_line_takes_the_nearest_above():
    _, lines = parse("a: 1\nb:\n  c: 2\n")
    assert place("f.yml", lines, "b", "missing", "deeper") == "f.yml:2"
    assert place("f.yml", {}, "b") == "f.yml"


def test_a_key_written_twice_is_refused_with_both_lines():
    with pytest.raises(MarkedYamlError, match=r"f\.yml:4: .* 'b' again \(first in line 2\)"):
        parse("a:\n  b: 1\n  c: 2\n  b: 3\n", name="f.yml")


def test_a_merged_key_may_be_written_again_and_the_written_line_wins():
    data, lines = parse("base: &base\n  x: 1\n  y: 2\nmore:\n  <<: *base\n  y: 3\n")
    assert data["more"] == {"x": 1, "y": 3}
    assert (lines["more", "x"], lines["more", "y"]) == (2, 6)


def test_text_that_is_no_yaml_is_refused_with_its_line():
    with pytest.raises(MarkedYamlError, match=r"f\.yml:2: .*valid YAML"):
        parse("a: 1\nb: c: d\n", name="f.yml")


def test_an_entry_that_contains_itself_is_refused():
    with pytest.raises(MarkedYamlError, match="must not contain itself"):
        parse("a: &a [*a]\n")


def test_anchors_that_explode_are_refused():
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(MarkedYamlError, match="at most"):
        parse("\n".join(rows))


def test_python_objects_are_not_built():
    with pytest.raises(MarkedYamlError, match="could not determine a constructor"):
        parse("a: !!python/object/apply:os.getcwd []\n")


def test_an_empty_text_has_no_data():
    assert parse("")[0] is None
