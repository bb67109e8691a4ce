"""Limits on what a search may spend, checked before each request with the worst case.

A request is paid for when it is asked, at its longest possible answer, and the difference is given
back when the answer is there; so several requests at once cannot overdraw together.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path

import yaml

from rewardwrap.core.errors import ConfigError, RewardwrapError
from rewardwrap.llm.cache import Cached
from rewardwrap.llm.client import ChatClient, Completion, Request, Usage, estimate_tokens

PRICES = Path(str(files("rewardwrap.llm") / "prices.yml"))
MILLION = 1e6


class BudgetExceeded(RewardwrapError, RuntimeError):
    """The next step would cost more than is left."""


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens.

    Args:
        prompt: Of the question.
        completion: Of the answer.
    """

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        """US dollars of one answer."""
        return (usage.prompt * self.prompt + usage.completion * self.completion) / MILLION


def read_prices(path: str | Path | None = None) -> dict[str, Price]:
    """The price table: model -> ``{prompt, completion}`` in US dollars for a million tokens.

    Args:
        path: A table of one's own, on top of the one that comes along.

    Raises:
        ConfigError: A row does not say both.
    """
    table: dict[str, Price] = {}
    for file in (PRICES, *([Path(path)] if path else [])):
        rows = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        for model, row in rows.items():
            if not isinstance(row, Mapping) or {"prompt", "completion"} - set(row):
                raise ConfigError(
                    f"price of {model} must have `prompt` and `completion` (US dollars for a "
                    f"million tokens), got {row!r}. Correct {file.name}."
                )
            table[str(model)] = Price(float(row["prompt"]), float(row["completion"]))
    return table


@dataclass(frozen=True)
class Budget:
    """What may be spent; None is no limit.

    Args:
        usd: US dollars.
        tokens: Of questions and answers together.
        calls: Requests to the provider; answers from the cache are free.
        seconds: Wall time since the search began or went on.
        rl_steps: Environment steps of trainings.
    """

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    rl_steps: int | None = None

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if value is not None and not value > 0:
                raise ConfigError(
                    f"budget: {limit.name} must be above 0, got {value}. Leave it out for no limit."
                )


class Ledger:
    """What was spent, and whether more may be.

    Args:
        budget: The limits.
        price: Of the model; None: unknown, then only tokens are counted.
        spent: From an earlier part of the same search.

    Raises:
        ConfigError: A limit in dollars for a model without a price.
    """

    def __init__(
        self,
        budget: Budget,
        price: Price | None = None,
        *,
        spent: Mapping[str, float] | None = None,
        model: str = "",
    ) -> None:
        if budget.usd is not None and price is None:
            raise ConfigError(
                f'a budget in dollars must know the price of the model, got "{model}", which the '
                "table does not list. Add it (--prices FILE) or limit tokens instead."
            )
        self.budget, self.price = budget, price
        self._spent = {"usd": 0.0, "tokens": 0, "calls": 0, "rl_steps": 0, **(spent or {})}
        self._held = {"usd": 0.0, "tokens": 0, "calls": 0}
        self._started = time.monotonic()
        self._lock = threading.Lock()

    @property
    def spent(self) -> dict[str, float]:
        """Sums so far; ``usd`` is left out where the price is unknown."""
        with self._lock:
            sums = {**self._spent, "seconds": time.monotonic() - self._started}
        if self.price is None:
            del sums["usd"]
        return sums

    @contextmanager
    def request(self, asked: Request) -> Iterator[list[Completion]]:
        """Hold the worst case of a request; append the answer to the list to settle it."""
        worst = Usage(estimate_tokens(asked.messages), asked.max_tokens)
        held = {
            "calls": 1,
            "tokens": worst.total,
            "usd": self.price.of(worst) if self.price else 0.0,
        }
        with self._lock:
            self._check(held)
            for name, amount in held.items():
                self._held[name] += amount
        answers: list[Completion] = []
        try:
            yield answers
        finally:
            with self._lock:
                for name, amount in held.items():
                    self._held[name] -= amount
                self._spent["calls"] += 1
                for answer in answers:
                    self._spent["tokens"] += answer.usage.total
                    self._spent["usd"] += self.price.of(answer.usage) if self.price else 0.0

    def check_training(self, steps: int) -> None:
        """Refuse a training that would go over.

        Raises:
            BudgetExceeded: It would.
        """
        with self._lock:
            self._check({"rl_steps": steps})

    def add_training(self, steps: int) -> None:
        """Count the environment steps of a training."""
        with self._lock:
            self._spent["rl_steps"] += steps

    def _check(self, wanted: Mapping[str, float]) -> None:
        for name, amount in wanted.items():
            limit = getattr(self.budget, name)
            sum_so_far = self._spent[name] + self._held.get(name, 0)
            if limit is not None and sum_so_far + amount > limit:
                raise BudgetExceeded(
                    f"budget: {name} must stay within {limit:g}, got {sum_so_far:g} spent and up to "
                    f"{amount:g} for the next step. Raise it and give the same command again; "
                    "what is finished is kept."
                )
        seconds, limit = time.monotonic() - self._started, self.budget.seconds
        if limit is not None and seconds > limit:
            raise BudgetExceeded(
                f"budget: wall time must stay within {limit:g} s, got {seconds:.0f} s. "
                "Give the same command again to continue; what is finished is kept."
            )


class Budgeted:
    """A client that asks only while the budget allows; answers from the cache cost nothing.

    Args:
        client: Who is asked.
        ledger: What it may cost.
        cache: Where answers are looked up first and kept; None: nowhere.
        ask_anew: Whether to ask even where an answer is kept.
    """

    def __init__(
        self,
        client: ChatClient,
        ledger: Ledger,
        *,
        cache: Cached | None = None,
        ask_anew: bool = False,
    ) -> None:
        self._client, self.ledger, self._cache, self._ask_anew = client, ledger, cache, ask_anew

    @property
    def model(self) -> str:
        """The inner client's."""
        return self._client.model

    def complete(self, request: Request) -> Completion:
        """Ask within the budget.

        Raises:
            BudgetExceeded: The worst case would go over.
        """
        if self._cache is not None and not self._ask_anew:
            found = self._cache.find(request)
            # one that was cut, refused or empty is kept for replays: a search that goes on asks again
            if found is not None and found.whole:
                return found
        with self.ledger.request(request) as answers:
            answer = self._client.complete(request)
            if not answer.cached:
                answers.append(answer)
        if self._cache is not None:
            self._cache.keep(request, answer)
        return answer
