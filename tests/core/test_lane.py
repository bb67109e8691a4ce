from __future__ import annotations

import ast
import linecache
import traceback

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.few_lanes import FewLanes
from rewardwrap.core.lane import LaneCode, compile_function
from rewardwrap.core.registry import registered
from rewardwrap.core.scalar import OneLane, write
from rewardwrap.core.task import NO_TASK
from rewardwrap.testing.examples import TASK, brightness, examples

ROW = np.zeros(1), 0.0, False, False


def test_what_is_written_is_valid_python_for_every_reward() -> None:
    assert set(examples()) <= set(registered())
    for rewards in examples().values():
        for reward in rewards:
            few = FewLanes(reward, 2, task=TASK)
            lane = OneLane(reward, task=TASK)
            step = lane.stepper(lambda action: None, copies=True)
            for source in (few.source, step.source):
                assert ast.parse(source).body
                assert "np.float" not in source


def test_the_text_of_simple_rewards_is_what_a_person_would_write() -> None:
    code = write(0.5 * rw.EnvReward() + rw.Constant(-1.0), NO_TASK)
    assert code.terms["shaped"] == "((reward * 0.5) + -1.0)"
    assert code.body == []
    assert code.slow == 0


def test_what_a_reward_does_not_write_is_stepped_as_a_batch_of_one() -> None:
    code = write(rw.function(brightness).named("a") + rw.EnvReward(), NO_TASK)
    assert code.slow == 1
    assert "obs" in "\n".join(code.prologue())


def test_an_error_shows_the_line_that_was_written() -> None:
    lane = OneLane(rw.EnvReward() * 2, task=TASK)

    def broken(action: int) -> None:
        raise RuntimeError("the env is broken")

    lane.begin(np.zeros(1), {})
    with pytest.raises(RuntimeError) as caught:
        lane.stepper(broken, copies=False)(0)
    shown = "".join(traceback.format_exception(caught.value))
    assert 'File "<rewardwrap lane' in shown
    assert "next_obs, reward, terminated, truncated, info = env_step(action)" in shown


def test_the_text_of_every_function_is_kept_apart() -> None:
    one = compile_function("f", "def f():", ["return 1"], {})
    two = compile_function("f", "def f():", ["return 2"], {})
    assert (one(), two()) == (1, 2)
    files = [f.__code__.co_filename for f in (one, two)]
    assert files[0] != files[1]
    # checkcache drops what has no loader and no file, unless it is known to be in memory
    linecache.checkcache()
    assert [linecache.getline(file, 2).strip() for file in files] == ["return 1", "return 2"]
    assert one.source == "def f():\n    return 1\n"


def test_variables_and_objects_get_names_of_their_own() -> None:
    code = LaneCode(NO_TASK)
    names = [code.let("1"), code.let("2"), code.bind(object()), code.bind(object(), "x")]
    assert len(set(names)) == 4
    assert code.body == [f"{names[0]} = 1", f"{names[1]} = 2"]
    assert set(names[2:]) <= set(code.names)


def test_what_is_carried_has_a_column_where_there_are_many_lanes() -> None:
    one, many = LaneCode(NO_TASK), LaneCode(NO_TASK, many=True)
    assert [one.carry(0.0), one.carry(1)] == ["memory[0]", "memory[1]"]
    assert [many.carry(0.0), many.carry(1)] == ["memory_0[i]", "memory_1[i]"]
    assert one.memory == many.memory == [0.0, 1]


def test_only_what_is_used_is_kept() -> None:
    code = LaneCode(NO_TASK)
    assert code.prologue() == code.epilogue() == code.starting() == []
    code.use("obs", "training")
    assert code.prologue() == ["obs = lane.obs", "training = lane.training"]
    assert code.epilogue("kept") == ["lane.obs = kept"]
    assert code.starting() == ["lane.obs, lane.info, lane.first = copy(obs), dict(info), True"]
    code.line("value = action * 2")
    assert code.mentions("action")
    assert not code.mentions("act")
