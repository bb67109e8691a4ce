"""``Phi`` at both ends of every episode, read for many ends together.

A potential costs as much on two states as on a hundred, so the ends wait and are read together, at the
latest before the learner learns. One that learns while it pays is read at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.info import ListInfo
from rewardwrap.evaluate.audit.potentials import Telescope
from rewardwrap.evaluate.audit.tape import Episode

FloatArray = NDArray[np.float64]
Told = Mapping[str, Any]


@dataclass(eq=False, slots=True)
class End:
    """The last state of an episode and the first of the next.

    Args:
        lane: Where.
        states: Both, one after the other, in memory of their own.
        infos: What came with them.
        episode: Where the values go; None where nothing is compared.
    """

    lane: int
    states: Any
    infos: tuple[Told, Told]
    episode: Episode | None


class Ends:
    """Follows the potentials of all lanes from the first to the last state of every episode.

    Args:
        telescope: Reads and compares them.

    Attributes:
        start: ``(p, lanes)`` ``Phi`` where the running episodes began, but for ends that wait.
    """

    def __init__(self, telescope: Telescope) -> None:
        self._telescope = telescope
        self.start: FloatArray = np.zeros((len(telescope.potentials), telescope.lanes))
        self._waiting: list[End] = []
        knowledge = [p.potential.state_dict() for p in telescope.potentials]
        self._at_once = any(next(tree.leaves(known), None) is not None for known in knowledge)

    def begin(self, obs: Any, infos: Sequence[Told]) -> None:
        """An episode starts in every lane."""
        self._waiting.clear()
        if self._telescope.potentials:
            self.start[:] = self._telescope.read(obs, ListInfo(infos))

    def end(
        self, lane: int, states: tuple[Any, Any], infos: tuple[Told, Told], episode: Episode | None
    ) -> None:
        """An episode ended in a lane, and another begins.

        Args:
            lane: Which.
            states: Terminal observation, and the first of the next episode.
            infos: What came with them.
            episode: Gets ``phi``, sooner or later; None where nothing is to be compared.
        """
        if not self._telescope.potentials:
            return
        # in memory of its own: an environment may fill the same array again
        array = type(states[0]) is np.ndarray
        pair = np.array(states) if array else tree.stack(list(states))
        self._waiting.append(End(lane, pair, infos, episode))
        if self._at_once:
            self.read()

    def read(self) -> None:
        """Read all that wait, and hand the values to their episodes."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        infos = [told for end in waiting for told in end.infos]
        found = self._telescope.read(_joined([end.states for end in waiting]), ListInfo(infos))
        for i, end in enumerate(waiting):
            if end.episode is not None:
                end.episode.phi = np.array((self.start[:, end.lane], found[:, 2 * i]))
            self.start[:, end.lane] = found[:, 2 * i + 1]

    def compare(
        self, episodes: Sequence[Episode], paid: FloatArray, lengths: NDArray[np.int64]
    ) -> None:
        """Fill in the residual of every episode whose ends are known.

        Args:
            episodes: ``n`` of them.
            paid: ``(n, p)`` discounted sums of the potentials' terms.
            lengths: ``(n,)`` steps.
        """
        rows = [i for i, e in enumerate(episodes) if e.phi is not None]
        if not rows:
            return
        both = np.array([episodes[i].phi for i in rows])
        ended = np.array([episodes[i].terminated for i in rows])
        residual = self._telescope.residual(
            paid[rows], lengths[rows], both[:, 0], both[:, 1], ended
        )
        for i, row in zip(rows, residual, strict=True):
            episodes[i].residual = row


def _joined(pairs: list[Any]) -> Any:
    if len(pairs) == 1:
        return pairs[0]
    return tree.map_leaves(lambda *parts: np.concatenate(parts), *pairs)
