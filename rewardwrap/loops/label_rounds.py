"""People who answer while an agent learns: every round of questions is a folder to label."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from pathlib import Path

import numpy as np

from rewardwrap.annotate.annotator import Query, Ticket
from rewardwrap.annotate.people import People
from rewardwrap.data import EpisodeStore, Preferences
from rewardwrap.loops.answers import CLIPS, pairs_of

PEOPLE = "people"
"""The name of this annotator for `rewardwrap.PreferenceLoop`."""

JUDGEMENTS, LABEL = "judgements.sqlite", "label.txt"


class LabelRounds:
    """An annotator that writes rounds of questions and reads what people said.

    A round is a folder ``0001/`` with its clips, its file of judgements and, in ``label.txt``, the
    command that opens its page. Training goes on meanwhile, and a round that is never finished holds
    nothing up. Opened again, it has not forgotten which answers were taken already.

    Args:
        folder: Of the rounds.
        known: Where the clips of answered pairs were cut; answers to them were taken already.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, known: Set[tuple[str, str]] = frozenset()
    ) -> None:
        self.folder, self._known = Path(folder), known
        self._pages: list[People] = []
        self._asked = 0
        #: Questions without an answer, of rounds that were asked before.
        self.waiting = 0
        for place in sorted(self.folder.glob("[0-9]*")):
            store = EpisodeStore.load(place / CLIPS)
            self._pages.append(People(place / JUDGEMENTS, store))
            ids = [str(i).rpartition(":")[2] for i in store.ids]
            self.waiting += len(set(zip(ids[::2], ids[1::2], strict=True)) - known)

    def submit(self, query: Query) -> Ticket:
        """Write a round."""
        number = len(self._pages) + 1
        place = self.folder / f"{number:04d}"
        query.a.store.save(place / CLIPS)
        page = People(place / JUDGEMENTS, query.a.store, seed=number)
        page.submit(query)
        file = place / JUDGEMENTS
        command = f"rewardwrap label {place / CLIPS} --out {file} --pairs {len(query)}"
        (place / LABEL).write_text(f"{command} --length {query.a.longest}\n", encoding="utf-8")
        self._pages.append(page)
        self._asked += len(query)
        return Ticket(self._asked - len(query), len(query))

    def poll(self) -> Preferences | None:
        """New answers to one round, or None."""
        return next(self._new(), None)

    def _new(self) -> Iterator[Preferences]:
        for page in self._pages:
            said = page.poll()
            if said is None:
                continue
            fresh = [pair not in self._known for pair in pairs_of(said)]
            if any(fresh):
                yield said.select(np.array(fresh))

    def close(self) -> None:
        """Give the files back."""
        for page in self._pages:
            page.close()
