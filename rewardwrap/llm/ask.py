"""Several requests at once, bounded, each answer written down as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.llm.client import ChatClient, Completion, ProviderError, Request

GIVES_UP = 2
"""Failures without any answer after which no further request is sent."""

Answered = Callable[[Request, Completion], None]


def ask_all(
    client: ChatClient, requests: Sequence[Request], *, at_once: int, on_answer: Answered
) -> list[tuple[Request, ProviderError]]:
    """Ask every request; at most `at_once` are under way.

    One provider's error is that request's alone, and is returned. Anything else, such as a budget that is
    used up, stops new requests; answers that still come are handed over before it is raised, so that
    nothing that was paid for is lost. Where every request fails, so does the whole.

    Args:
        client: Who is asked.
        requests: What.
        at_once: Requests under way at a time, >= 1.
        on_answer: Called in this thread, in the order in which answers come.

    Returns:
        The requests that got no answer, and why.

    Raises:
        ProviderError: No request got an answer; `GIVES_UP` in a row stop the rest.
    """
    waiting = list(requests)
    failed: RewardwrapError | None = None
    lost: list[tuple[Request, ProviderError]] = []
    answered = 0
    running: dict[Future[Completion], Request] = {}
    with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="ask") as pool:
        while running or (waiting and failed is None):
            while waiting and failed is None and len(running) < at_once:
                request = waiting.pop(0)
                running[pool.submit(client.complete, request)] = request
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                request = running.pop(future)
                try:
                    answer = future.result()
                except ProviderError as error:
                    lost.append((request, error))
                    if not answered and len(lost) >= GIVES_UP:
                        # nobody is there: asking on would wait for each in turn
                        failed = failed or error
                except RewardwrapError as error:
                    failed = failed or error
                else:
                    answered += 1
                    on_answer(request, answer)
    if failed is None and lost and not answered:
        failed = lost[0][1]
    if failed is not None:
        raise failed
    return lost
