"""What a source says about itself is read off its text."""

from __future__ import annotations

import pytest

from rewardwrap.sandbox.reading import read
from tests.sandbox.test_gate import body


@pytest.mark.parametrize(
    ("source", "components"),
    [
        (body("return 1.0"), ()),
        (body("return 1.0, {'a': 1.0, 'b': 2.0}"), ("a", "b")),
        (body("p = {'a': 1}", "p['b'] = 2", "return 3, p"), ("a", "b")),
        (body("return 3, dict(a=1, b=2)"), ("a", "b")),
        (body("if len(obs) > 1:", "    return 1, {'a': 1}", "return 2, {'b': 2}"), ("a", "b")),
        (body("return 3, {k: 1 for k in ('a', 'b')}"), None),
        ("def pay(): pass", None),
    ],
)
def test_components_are_read_off_the_returned_dict(source, components):
    assert read(source).components == components


def test_named_fields_are_found_with_their_line():
    reading = read(body("return obs.x - next_obs.torso_z + obs.sum()"))
    assert reading.fields == [(2, "obs", "x"), (2, "next_obs", "torso_z")]
