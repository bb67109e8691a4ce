"""The contract of every reward, checked on random or given episodes."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from rewardwrap.adapters.offline import Episode
from rewardwrap.core import tree
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError, RewardValueError, RewardwrapWarning
from rewardwrap.core.plain import function_name
from rewardwrap.core.reward import Named, Reward, field_names
from rewardwrap.core.stream import Stream
from rewardwrap.core.task import Task
from rewardwrap.testing import hosts
from rewardwrap.testing.tapes import Tape, random_episodes, tape_of

LANES = 3


@dataclass(frozen=True)
class Case:
    """One reward on one tape, with what it learned there."""

    fresh: Reward
    reward: Reward
    tape: Tape
    tolerance: float
    rng: np.random.Generator

    def clone(self) -> Reward:
        """The reward after learning, with knowledge of its own."""
        return copy.deepcopy(self.reward)

    def same(self, rule: str, got: Any, want: Any, cure: str) -> None:
        """Raise unless two ``(steps, lanes)`` arrays agree."""
        got, want = np.asarray(got), np.asarray(want)
        if got.shape != want.shape:
            raise broken(self.fresh, rule, f"shape {got.shape} instead of {want.shape}", cure)
        wrong = np.argwhere(~np.isclose(got, want, rtol=self.tolerance, atol=self.tolerance))
        if len(wrong):
            at = tuple(wrong[0])
            where = f"{got[at]:.9g} instead of {want[at]:.9g} at (step, lane) {tuple(map(int, at))}"
            raise broken(self.fresh, rule, where, cure)

    def pays_alike(self, rule: str, tape: Tape, cure: str) -> None:
        """Raise unless another tape is paid what this one is; where it draws, by equal draws."""
        self.same(rule, hosts.pay(self.clone(), tape), hosts.pay(self.clone(), self.tape), cure)


Rule = Callable[[Case], str | None]


def check_reward(
    reward: Reward,
    *,
    task: Task | None = None,
    rng: np.random.Generator | None = None,
    episodes: Sequence[Episode] | None = None,
    width: int = 4,
    info: Sequence[str] = (),
    tolerance: float = 1e-9,
) -> tuple[str, ...]:
    """Check that a reward keeps the contract on which every host relies.

    One finite float64 per lane; the batch is left alone; lanes and episodes know nothing of each
    other; a split of lanes or of time changes nothing; no look into the future beyond
    ``lookahead``; it comes back from its configuration, from pickle and from its state; it learns
    only while training, and never from what is not finite; what its class denies (drawing numbers,
    reading observations, using the discount, minding the clock) it does not do; and a batch of
    lanes, a single lane and logged data agree.

    A stochastic reward draws other numbers for other lanes, so what it pays is compared only
    where the draws are the same; a learned one is compared with its knowledge frozen.

    Args:
        reward: What to check; it is copied, and learns nothing.
        task: Named fields and discount that it needs.
        rng: Draws the episodes; by default seeded with 0.
        episodes: Episodes to use instead, as `rw.relabel` takes them; at least three are best.
        width: Size of the random flat observations, where neither ``task`` nor ``episodes`` says.
        info: Keys of ``info`` that the reward reads beside those of the task's fields.
        tolerance: Relative and absolute tolerance of every comparison.

    Returns:
        One sentence for each rule that could not be checked: a lambda has no name to write down.

    Raises:
        AssertionError: A rule is broken; the sentence says which and where.
        ConfigError: The reward refuses the task.

    Example:
        >>> import rewardwrap as rw
        >>> from rewardwrap.testing import check_reward
        >>> check_reward(rw.EnvReward().clip(-1, 1))
        ()
    """
    with warnings.catch_warnings():
        # random episodes are not what the reward was meant for
        warnings.simplefilter("ignore", RewardwrapWarning)
        case = _case(
            reward, task, rng or np.random.default_rng(0), episodes, width, info, tolerance
        )
        return tuple(said for rule in RULES if (said := rule(case)) is not None)


def _case(
    reward: Reward,
    task: Task | None,
    rng: np.random.Generator,
    episodes: Sequence[Episode] | None,
    width: int,
    info: Sequence[str],
    tolerance: float,
) -> Case:
    task = Task(name="check_reward", gamma=0.99) if task is None else task
    for node in reward.walk():
        node.validate(task)
    if episodes is None:
        episodes = random_episodes(rng, task=task, width=width, info=info)
    tape = tape_of(episodes, min(LANES, len(episodes)), task)
    learned = copy.deepcopy(reward)
    if not reward.lookahead:
        hosts.step(learned, tape, training=True)
    return Case(copy.deepcopy(reward), learned, tape, tolerance, rng)


def broken(reward: Reward, rule: str, got: str, cure: str) -> AssertionError:
    """The error for a broken rule."""
    return AssertionError(f"{type(reward).__name__} must {rule}, got {got}. {cure}")


def stochastic(reward: Reward) -> bool:
    """Whether some part draws random numbers."""
    return any(node.stochastic for node in reward.walk())


def learns(reward: Reward) -> bool:
    """Whether some part learns while training."""
    return any(node.learns for node in reward.walk())


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
        if callable(value) and not isinstance(value, Reward):
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


RULES: tuple[Rule, ...] = (
    gives_one_finite_float_per_lane,
    leaves_the_batch_alone,
    draws_only_where_it_says_so,
    keeps_lanes_apart,
    forgets_at_first,
    goes_on_from_a_copy_of_its_carry,
    looks_no_further_ahead_than_it_says,
    comes_back_from_its_configuration,
    learns_only_in_training,
    reads_observations_only_where_it_says_so,
    depends_on_the_discount_only_where_it_says_so,
    pays_at_the_end_only_where_it_says_so,
    comes_back_from_its_state,
    agrees_on_all_hosts,
    never_learns_what_is_not_finite,
    records_terms_that_add_up,
    tells_a_cut_from_an_end_only_where_an_episode_is_cut,
)
