"""Several requests at once, bounded, each answer written down as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.llm.client import ChatClient, Completion, Request

Answered = Callable[[Request, Completion], None]


def ask_all(
    client: ChatClient, requests: Sequence[Request], *, at_once: int, on_answer: Answered
) -> None:
    """Ask every request; at most `at_once` are under way.

    The first failure stops new requests; answers that still come are handed over before it is raised,
    so that nothing that was paid for is lost.

    Args:
        client: Who is asked.
        requests: What.
        at_once: Requests under way at a time, >= 1.
        on_answer: Called in this thread, in the order in which answers come.
    """
    waiting = list(requests)
    failed: RewardwrapError | None = None
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
                except RewardwrapError as error:
                    failed = failed or error
                else:
                    on_answer(request, answer)
    if failed is not None:
        raise failed
