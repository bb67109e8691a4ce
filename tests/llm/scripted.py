"""A language model whose answers are written down beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from rewardwrap.llm.client import Completion, ProviderError, Request, Usage, estimate_tokens


class ScriptedClient:
    """Recorded answers, one for each request, in order.

    Args:
        answers: Texts, or whole completions.
        model: Its name.
    """

    def __init__(self, answers: Sequence[str | Completion], model: str = "scripted") -> None:
        self._answers, self.model = list(answers), model
        self.requests: list[Request] = []
        """What was asked so far."""

    def complete(self, request: Request) -> Completion:
        """The next answer.

        Raises:
            ProviderError: All were given.
        """
        if len(self.requests) >= len(self._answers):
            raise ProviderError(
                f"the script must have an answer for every request, got {len(self._answers)} "
                f"answers and request {len(self.requests) + 1}. Record more of them."
            )
        answer = self._answers[len(self.requests)]
        self.requests.append(request)
        if isinstance(answer, Completion):
            return answer
        usage = Usage(estimate_tokens(request.messages), len(answer) // 3, estimated=True)
        return Completion(answer, usage, model=self.model)
