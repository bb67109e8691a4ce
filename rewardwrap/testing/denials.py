"""What a reward does only where its class says so, and what it is when it comes back from a file."""

from __future__ import annotations

import copy
import json
import pickle
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.plain import Written, function_name
from rewardwrap.core.reward import Reward, field_names
from rewardwrap.core.stream import Stream
from rewardwrap.testing import hosts
from rewardwrap.testing.case import Case, broken, learns, stochastic


def comes_back_from_its_configuration(case: Case) -> str | None:
    unnamed = [field for node in case.reward.walk() for field in unnamed_functions(node)]
    if unnamed:
        return (
            f"The configuration was not checked: {', '.join(unnamed)} has no name to write down. "
            'Put the function at the top of a module and name it "module:function".'
        )
    config = case.reward.to_config()
    back = from_config(json.loads(json.dumps(config)))
    rule, cure = "come back from its configuration", "Make every setting a dataclass field."
    if back.to_config() != config:
        raise broken(case.fresh, rule, f"{back.to_config()} instead of {config}", cure)
    back.load_state_dict(case.reward.state_dict())
    case.same(rule, hosts.pay(back, case.tape), hosts.pay(case.clone(), case.tape), cure)
    return None


def unnamed_functions(node: Reward) -> list[str]:
    """Fields that hold a function without an importable name."""
    found: list[str] = []
    for name in field_names(type(node)):
        value = getattr(node, name)
        if callable(value) and not isinstance(value, Written):
            try:
                function_name(value)
            except ConfigError:
                found.append(f"{type(node).__name__}.{name}")
    return found


def learns_only_in_training(case: Case) -> None:
    rule = "learn only while batch.training, and only if it says learns = True"
    reward = case.clone()
    before = reward.state_dict()
    hosts.pay(reward, case.tape)
    changed = differing(before, reward.state_dict())
    if changed:
        cure = "Write to its knowledge only where batch.training."
        raise broken(case.fresh, rule, f"another {changed[0]} after an evaluation", cure)
    learned = differing(case.fresh.state_dict(), case.reward.state_dict())
    if learned and not (learns(case.reward) or stochastic(case.reward)):
        raise broken(case.fresh, rule, f"another {learned[0]}", "Set learns = True on its class.")


def draws_only_where_it_says_so(case: Case) -> None:
    if stochastic(case.reward):
        return
    reward = case.clone()
    want = hosts.pay(reward, case.tape)
    rule = "pay the same again, or say stochastic = True"
    case.same(rule, hosts.pay(reward, case.tape), want, "Set stochastic = True on its class.")


def reads_observations_only_where_it_says_so(case: Case) -> None:
    if any(node.reads_obs for node in case.reward.walk()):
        return
    order = case.rng.permutation(case.tape.steps)
    others = {name: tree.take(getattr(case.tape, name), order) for name in ("obs", "next_obs")}
    rule = "pay the same for other observations, or say reads_obs = True"
    cure = "Set reads_obs = True on its class."
    case.pays_alike(rule, replace(case.tape, **others), cure)


def depends_on_the_discount_only_where_it_says_so(case: Case) -> None:
    if any(node.shaping for node in case.reward.walk()):
        return
    task = replace(case.tape.task, gamma=0.5 * (case.tape.task.gamma or 1.0))
    rule = "pay the same under another discount, or say shaping = True"
    case.pays_alike(rule, replace(case.tape, task=task), "Set shaping = True on its class.")


def pays_at_the_end_only_where_it_says_so(case: Case) -> None:
    if any(node.pays_at_end for node in case.reward.walk()):
        return
    never = np.zeros_like(case.tape.truncated)
    rule = "pay the same where the clock stops no episode, or say pays_at_end = True"
    cure = "Set pays_at_end = True on its class."
    case.pays_alike(rule, replace(case.tape, truncated=never), cure)


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of arrays that differ between two states."""
    shared = one.keys() & other.keys()
    changed = [k for k in sorted(shared) if not np.array_equal(one[k], other[k], equal_nan=False)]
    return changed + sorted(one.keys() ^ other.keys())


def comes_back_from_its_state(case: Case) -> str | None:
    want = hosts.pay(case.clone(), case.tape)
    state = case.reward.state_dict()
    rule, cure = "come back from state_dict", "Put all of its knowledge into state_arrays."
    objects = [
        name for name, array in state.items() if np.asarray(array).dtype.kind not in "biufcSU"
    ]
    if objects:
        raise broken(case.fresh, rule, f"objects in {objects[0]}", "Save arrays of numbers only.")
    loaded = copy.deepcopy(case.fresh)
    loaded.load_state_dict(state)
    case.same(rule, hosts.pay(loaded, case.tape), want, cure)
    unnamed = [field for node in case.reward.walk() for field in unnamed_functions(node)]
    if unnamed:
        return f"pickle was not checked: {', '.join(unnamed)} has no name to write down."
    back = pickle.loads(pickle.dumps(case.reward))
    cure = "Keep what cannot be pickled out of __dict__, or drop it in __getstate__."
    case.same("come back from pickle", hosts.pay(back, case.tape), want, cure)
    return None


def never_learns_what_is_not_finite(case: Case) -> None:
    if not learns(case.reward):
        return
    reward = case.clone()
    stream = Stream(reward, 1, task=case.tape.task)
    batch = case.tape.batch((0, [0]), training=True)
    stream.begin(batch.obs, batch.info_before)
    with suppress(RewardValueError):
        stream.advance(
            batch.action,
            batch.next_obs,
            np.array([np.nan]),
            batch.terminated,
            batch.truncated,
            batch.info,
        )
    poisoned = [name for name, array in reward.state_dict().items() if not np.isfinite(array).all()]
    if poisoned:
        cure = "Refuse it before it enters a running statistic: all later rewards would be NaN."
        raise broken(case.fresh, "never learn from NaN", f"NaN in {poisoned[0]}", cure)
