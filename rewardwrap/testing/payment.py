"""What every reward pays: one number a lane, the same on all hosts, from what it may know."""

from __future__ import annotations

import copy
import dataclasses
from itertools import pairwise

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Named
from rewardwrap.core.stream import Stream
from rewardwrap.testing import hosts
from rewardwrap.testing.case import Case, broken, learns, stochastic


def gives_one_finite_float_per_lane(case: Case) -> None:
    rule = "return a finite float64 array of shape (lanes,)"
    cure = "Reduce over the last axes and cast, e.g. .sum(axis=-1).astype(np.float64)."
    if case.reward.lookahead:
        values = [case.clone().over_time(case.tape.batch((slice(None), 0)))]
        shape = (case.tape.steps,)
    else:
        reward, carry, shape = case.clone(), case.clone().init(case.tape.lanes), (case.tape.lanes,)
        values = []
        for t in range(case.tape.steps):
            carry, value = reward.step(carry, case.tape.batch(t))
            values.append(value)
    for value in values:
        if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != np.float64:
            got = f"{type(value).__name__} {np.shape(value)} {getattr(value, 'dtype', '')}".strip()
            raise broken(case.fresh, rule, got, cure)
        if not np.isfinite(value).all():
            raise broken(case.fresh, rule, str(value), "Guard divisions and logarithms.")


def leaves_the_batch_alone(case: Case) -> None:
    rule = "leave the batch and what it returned before alone"
    cure = "Copy before writing, e.g. np.array(batch.obs)."
    reward, carry, returned = case.clone(), case.clone().init(case.tape.lanes), []
    for t in range(case.tape.steps):
        rows = t
        batch, same = case.tape.batch(rows, training=True), case.tape.batch(rows)
        if case.reward.lookahead:
            reward.over_time(batch := case.tape.batch((slice(None), 0)))
            same = case.tape.batch((slice(None), 0))
        else:
            carry, value = reward.step(carry, batch)
            returned.append((value, np.array(value)))
        for name in ("obs", "action", "next_obs", "reward", "terminated", "truncated", "first"):
            now, then = getattr(batch, name), getattr(same, name)
            if not all(map(np.array_equal, tree.leaves(now), tree.leaves(then))):
                raise broken(case.fresh, rule, f"another {name}", cure)
    for value, then in returned:
        if not np.array_equal(value, then):
            raise broken(case.fresh, rule, "a returned array that changed later", cure)


def keeps_lanes_apart(case: Case) -> None:
    if stochastic(case.reward):
        return
    order = case.rng.permutation(case.tape.lanes)
    want = hosts.pay(case.clone(), case.tape)[:, order]
    got = hosts.pay(case.clone(), case.tape.take((slice(None), order)))
    cure = "Keep what belongs to a lane in the carry, one row for each lane."
    case.same("pay permuted lanes the permuted rewards", got, want, cure)
    alone = [case.tape.take((slice(None), [i])) for i in range(case.tape.lanes)]
    got = np.concatenate([hosts.pay(case.clone(), lane) for lane in alone], axis=1)
    want = hosts.pay(case.clone(), case.tape)
    case.same("pay a lane the same, alone or beside others", got, want, cure)


def forgets_at_first(case: Case) -> None:
    if stochastic(case.reward):
        return
    want = hosts.pay(case.clone(), case.tape)
    for i in range(case.tape.lanes):
        starts = [*np.flatnonzero(case.tape.first[:, i]), case.tape.steps]
        for begin, end in pairwise(starts):
            episode = case.tape.take(slice(begin, end)).take((slice(None), [i]))
            case.same(
                "pay two joined episodes what it pays them apart",
                hosts.pay(case.clone(), episode),
                want[begin:end, [i]],
                "Start afresh where batch.first: carry[batch.first] = 0.",
            )


def goes_on_from_a_copy_of_its_carry(case: Case) -> None:
    if case.reward.lookahead:
        return
    half = case.tape.steps // 2
    reward, carry = case.clone(), case.clone().init(case.tape.lanes)
    carry, before = hosts.step(reward, case.tape.take(slice(0, half)), carry=carry)
    again, carry = copy.deepcopy((reward, carry))
    _, after = hosts.step(again, case.tape.take(slice(half, None)), carry=carry)
    case.same(
        "go on from a copy of itself and of its carry",
        np.concatenate([before, after]),
        hosts.pay(case.clone(), case.tape),
        "Keep what it remembers in the carry and what it learns in state_arrays.",
    )


def looks_no_further_ahead_than_it_says(case: Case) -> None:
    ahead = case.reward.lookahead
    for steps in range(1, case.tape.steps):
        early = case.tape.take(slice(0, steps))
        sure = max(steps - ahead, 0)
        case.same(
            f"pay for a step whatever comes more than {ahead} steps later",
            hosts.over_time(case.clone(), early)[:sure],
            hosts.over_time(case.clone(), case.tape)[:sure],
            "Set lookahead to the number of later steps that it reads.",
        )


def agrees_on_all_hosts(case: Case) -> None:
    if case.reward.lookahead:
        try:
            Stream(case.clone(), 1, task=case.tape.task)
        except ConfigError:
            return
        cure = "Let Reward.lookahead say how many later steps it needs."
        raise broken(case.fresh, "be refused by online hosts", "a Stream of it", cure)
    cure = "Let write, over_time and step compute one formula."
    for name, host in hosts.HOSTS.items():
        # who learns or draws does so row by row: only one lane gives all hosts one order of rows
        alone = learns(case.reward) or stochastic(case.reward)
        every = case.tape if host is hosts.by_log else case.tape.closed()
        tapes = [(every, False)] if not stochastic(case.reward) else []
        tapes += [(every.take((slice(None), [0])), True)] if alone else [(every, True)]
        for tape, training in tapes:
            want = hosts.by_step(case.clone(), tape, training=training)
            got = host(case.clone(), tape, training=training)
            for term, column in want.items():
                case.same(f"pay on {name} what it pays in step ({term})", got[term], column, cure)


def records_terms_that_add_up(case: Case) -> None:
    if case.reward.lookahead or isinstance(case.reward, Named):
        return
    paid = hosts.by_step(case.clone(), case.tape)
    own = Stream(case.clone(), 1, task=case.tape.task).reward
    addends = own.parts() if own.tag == "sum" else (own,)
    total = sum(paid[a.name] if isinstance(a, Named) else paid["env"] for a in addends)
    cure = "Return what was recorded."
    case.same("pay the sum of its terms", total, paid["shaped"], cure)


def tells_a_cut_from_an_end_only_where_an_episode_is_cut(case: Case) -> None:
    """Both words of ``on_truncation`` pay the same on terminated episodes, and before any cut."""
    if not hasattr(case.reward, "on_truncation"):
        return
    words = ("bootstrap", "terminal")
    forms = [dataclasses.replace(case.clone(), on_truncation=word) for word in words]  # type: ignore[type-var]
    everywhere = dataclasses.replace(
        case.tape,
        terminated=case.tape.terminated | case.tape.truncated,
        truncated=np.zeros_like(case.tape.truncated),
    )
    cure = "Let on_truncation decide about rows that are truncated and not terminated alone."
    one, other = (hosts.pay(form, everywhere) for form in forms)
    case.same("pay a terminated episode the same in both forms", one, other, cure)
    if case.reward.lookahead:
        return
    whole = ~(case.tape.truncated & ~case.tape.terminated)
    one, other = (np.where(whole, hosts.pay(form, case.tape), 0.0) for form in forms)
    case.same("pay rows that are not cut the same in both forms", one, other, cure)
