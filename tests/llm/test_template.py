"""The designer that comes along."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap.llm.client import Request
from rewardwrap.llm.extraction import code_in
from rewardwrap.llm.prompt import Scene
from rewardwrap.llm.template import TemplateDesigner


def ask(seed: int) -> Request:
    return Request(({"role": "user", "content": "-"},), seed=seed)


class Row:
    """Named fields as attributes, as the sandbox shows them."""

    def __init__(self, scene: Scene, n: int) -> None:
        rng = np.random.default_rng(0)
        for name in scene.fields:
            setattr(self, name, rng.normal(size=n))


@pytest.mark.parametrize("env", ["acrobot", "hopper", "pendulum"])
def test_every_design_runs_on_a_batch_and_its_terms_add_up(
    env: str, request: pytest.FixtureRequest
) -> None:
    scene: Scene = request.getfixturevalue(env)
    designer = TemplateDesigner(scene, "swing up, stand still and run forward")
    action = np.ones((5, 3)) if env != "acrobot" else np.ones(5)
    for seed in range(30):
        space: dict[str, object] = {"np": np}
        exec(code_in(designer.complete(ask(seed))), space)  # our own text
        total, terms = space["reward"](Row(scene, 5), action, Row(scene, 5), {})  # type: ignore[operator]
        np.testing.assert_allclose(total, sum(terms.values()))
        assert total.shape == (5,)


def test_the_same_seed_gives_the_same_design_and_seeds_differ(acrobot: Scene) -> None:
    designer = TemplateDesigner(acrobot, "swing the tip up")
    texts = [designer.complete(ask(seed)).text for seed in range(12)]
    assert texts == [designer.complete(ask(seed)).text for seed in range(12)]
    assert len(set(texts)) > 6


def test_the_words_of_the_task_choose_the_field(hopper: Scene) -> None:
    text = TemplateDesigner(hopper, "hop forward with a high velocity").complete(ask(0)).text
    assert "velocity" in text
