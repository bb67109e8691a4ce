"""Questions of a running training, and every answer that was given: on disk before it is used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.annotate.annotator import Query
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.data.ragged import ranges
from rewardwrap.files import whole_folder

TRAIN, HELD_OUT = "train", "heldout"
CLIPS, LABELS = "clips", "preferences.parquet"


def question(a: Fragments, b: Fragments, sides: Any, *, name: str = "", origin: str = "") -> Query:
    """The same pairs in a store of their own, one short episode for each clip.

    Questions must outlive the tape that they were cut from: they wait for people, and they are what
    is kept on disk.

    Args:
        a: n clips.
        b: n clips of the same store, as long.
        sides: ``(n,)`` ``"train"`` or ``"heldout"``; it becomes the ``source`` of both clips.
        name: Begins the ids, which go on with the episode and the first step.
        origin: Put before the episode, so that one of another round is another one.
    """
    store, count = a.store, len(a)
    # a0 b0 a1 b1 ...
    episode, start, length = (
        np.stack([getattr(a, n), getattr(b, n)], axis=1).ravel()
        for n in ("episode", "start", "length")
    )
    rows = ranges(store.first_step[episode] + start, length)
    seen = ranges(store.first_obs[episode] + start, length + 1)
    ids = [
        f"{name}{i}:{_where(str(store.ids[e]), s, origin)}"
        for i, (e, s) in enumerate(zip(episode, start, strict=True))
    ]
    clips = EpisodeStore(
        obs=tree.take(store.obs, seen),
        action=tree.take(store.action, rows),
        reward=store.reward[rows],
        terminated=store.terminated[rows],
        truncated=store.truncated[rows],
        lengths=length,
        ids=np.array(ids, np.str_),
        source=np.repeat(np.asarray(sides, np.str_), 2),
        observation_space=store.observation_space,
        action_space=store.action_space,
    )
    return Query(*(_clips(clips, side + 2 * np.arange(count)) for side in (0, 1)))


class Answers:
    """All answers of a training, each file of them whole.

    Args:
        folder: Where they lie; read if it exists.

    Raises:
        DataError: A file was cut short or changed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._parts: list[Preferences] = []
        for place in sorted(self.folder.glob("[0-9]*")):
            store = EpisodeStore.load(place / CLIPS)
            self._parts.append(Preferences.load(place / LABELS, store))

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def add(self, said: Preferences) -> Preferences | None:
        """Keep what was answered; skipped questions are left out. On disk when this returns.

        Raises:
            ConfigError: The clips are of another environment than those before.
        """
        found = said.without_skipped()
        if not len(found):
            return None
        number = len(self._parts) + 1
        sides = found.store.source[found.a.episode]
        query = question(found.a, found.b, sides, name=f"{number}-")
        kept = Preferences(
            query.a, query.b, found.preferred, found.weight, found.annotator, np.arange(len(found))
        )
        if self._parts:
            self.require(kept.store.observation_space, kept.store.action_space)
        with whole_folder(self.folder / f"{number:04d}") as aside:
            kept.store.save(aside / CLIPS)
            kept.save(aside / LABELS)
        self._parts.append(kept)
        return kept

    def pairs(self) -> set[tuple[str, str]]:
        """Where the clips of every answered pair were cut: round, episode and first step."""
        return {pair for part in self._parts for pair in pairs_of(part)}

    def require(self, observation_space: Any, action_space: Any) -> None:
        """Refuse answers about another environment.

        Raises:
            ConfigError: The spaces differ.
        """
        for part in self._parts:
            for name, now in (
                ("observation_space", observation_space),
                ("action_space", action_space),
            ):
                before = getattr(part.store, name)
                if before is not None and now is not None and before != now:
                    raise ConfigError(
                        f"answers in {self.folder} must be about this environment, got {name} "
                        f"{before} where it has {now}. Use another folder."
                    )

    def of(self, side: str) -> Preferences | None:
        """All answers of one side in one store, or None."""
        parts = [part.select(part.store.source[part.a.episode] == side) for part in self._parts]
        parts = [part for part in parts if len(part)]
        if not parts:
            return None
        store = EpisodeStore.concat([part.store for part in parts])
        offsets = np.cumsum([0, *(len(part.store) for part in parts)])[:-1]

        def clips(name: str) -> Fragments:
            own = [
                getattr(part, name).episode + at for part, at in zip(parts, offsets, strict=True)
            ]
            return _clips(store, np.concatenate(own))

        return Preferences(
            clips("a"),
            clips("b"),
            np.concatenate([part.preferred for part in parts]),
            np.concatenate([part.weight for part in parts]),
            np.concatenate([part.annotator for part in parts]),
        )


def pairs_of(said: Preferences | Query) -> list[tuple[str, str]]:
    """Where both clips of each pair were cut."""
    ids = said.a.store.ids
    a, b = ([str(ids[e]).rpartition(":")[2] for e in c.episode] for c in (said.a, said.b))
    return list(zip(a, b, strict=True))


def _clips(store: EpisodeStore, episodes: Any) -> Fragments:
    """Whole episodes as clips."""
    return Fragments(store, episodes, np.zeros(len(episodes), np.int64), store.lengths[episodes])


def _where(name: str, start: int, origin: str) -> str:
    """``"<episode>@<step>"`` of a clip, also of one that was a question already."""
    known = name.rpartition(":")[2]
    return known if "@" in known else f"{origin}{known}@{start}"
