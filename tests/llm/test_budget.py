"""What may be spent."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.budget import Budget, Budgeted, BudgetExceeded, Ledger, Price, read_prices
from rewardwrap.llm.client import (
    CallableClient,
    Completion,
    Request,
    Usage,
    estimate_tokens,
)
from tests.llm.scripted import ScriptedClient

ASKED = Request(({"role": "user", "content": "a" * 300},), max_tokens=100)
QUESTION = estimate_tokens(ASKED.messages)


def test_a_price_is_dollars_for_a_million_tokens() -> None:
    assert Price(2.0, 10.0).of(Usage(500_000, 100_000)) == pytest.approx(2.0)


def test_the_worst_case_is_checked_before_the_request() -> None:
    script = ScriptedClient(["x"])
    client = Budgeted(script, Ledger(Budget(tokens=QUESTION + 99)))
    with pytest.raises(BudgetExceeded, match="tokens must stay within"):
        client.complete(ASKED)
    assert not script.requests
    Budgeted(script, Ledger(Budget(tokens=QUESTION + 100))).complete(ASKED)


def test_what_was_not_used_is_given_back() -> None:
    script = ScriptedClient([Completion("x", Usage(QUESTION, 5))] * 3)
    client = Budgeted(script, Ledger(Budget(tokens=3 * QUESTION + 110)))
    for _ in range(3):
        client.complete(ASKED)
    assert client.ledger.spent["tokens"] == 3 * (QUESTION + 5)
    assert client.ledger.spent["calls"] == 3


def test_dollars_need_a_price_and_an_unknown_price_is_never_zero() -> None:
    with pytest.raises(ConfigError, match="must know the price"):
        Ledger(Budget(usd=1.0), None, model="new-model")
    assert "usd" not in Ledger(Budget(), None).spent
    ledger = Ledger(Budget(usd=0.01), Price(100.0, 100.0))
    with pytest.raises(BudgetExceeded, match="usd"):
        Budgeted(ScriptedClient(["x"]), ledger).complete(ASKED)


def test_steps_of_training_count(tmp_path: Path) -> None:
    ledger = Ledger(Budget(rl_steps=100))
    ledger.check_training(100)
    ledger.add_training(60)
    with pytest.raises(BudgetExceeded, match="rl_steps"):
        ledger.check_training(41)


def test_a_ledger_goes_on_where_it_stopped() -> None:
    ledger = Ledger(Budget(calls=3), spent={"calls": 2})
    client = Budgeted(CallableClient(lambda request: "x"), ledger)
    client.complete(ASKED)
    with pytest.raises(BudgetExceeded, match="calls"):
        client.complete(ASKED)


@pytest.mark.parametrize(
    "budget",
    [Budget(calls=1), Budget(tokens=2 * (QUESTION + 100) - 1), Budget(usd=2e-6 * (QUESTION + 100))],
    ids=["calls", "tokens", "usd"],
)
def test_a_call_under_way_holds_its_worst_case_until_it_is_answered(budget: Budget) -> None:
    ledger = Ledger(budget, Price(1.1, 1.1))
    with ledger.request(ASKED):
        with pytest.raises(BudgetExceeded), ledger.request(ASKED):
            pass
        assert ledger.spent["calls"] == 0
    if budget.calls is None:
        with ledger.request(ASKED) as answers:
            answers.append(Completion("x", Usage(1, 1)))
        assert ledger.spent["tokens"] == 2


@given(limit=st.integers(1, 8), asked=st.integers(1, 16))
def test_requests_at_once_never_overdraw(limit: int, asked: int) -> None:
    gate = threading.Barrier(asked)
    done: list[int] = []
    client = Budgeted(
        CallableClient(lambda request: done.append(1) or "x"),  # type: ignore[func-returns-value]
        Ledger(Budget(calls=limit)),
    )

    def ask() -> None:
        gate.wait()
        with contextlib.suppress(BudgetExceeded):
            client.complete(ASKED)

    threads = [threading.Thread(target=ask) for _ in range(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == min(limit, asked)


@pytest.mark.parametrize("name", ["usd", "tokens", "calls", "seconds", "rl_steps"])
def test_a_limit_must_be_above_zero(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be above 0"):
        Budget(**{name: 0})


def test_prices_can_be_overridden(tmp_path: Path) -> None:
    table = tmp_path / "prices.yml"
    table.write_text("my-model: {prompt: 1.0, completion: 2.0}\n")
    assert read_prices(table)["my-model"] == Price(1.0, 2.0)
    assert read_prices()["template"] == Price(0.0, 0.0)
    table.write_text("my-model: 3\n")
    with pytest.raises(ConfigError, match="must have `prompt` and `completion`"):
        read_prices(table)
