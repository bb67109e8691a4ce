"""One line for each training episode, in the format of SB3's monitor files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TextIO

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rewardwrap.adapters.layers import find_adapter
from rewardwrap.core.reward import SHAPED, TRUE


class EpisodeLog(BaseCallback):
    """Writes ``r, l, t, step, shaped, term_<name>`` of each finished episode.

    ``r`` is the true return, as in any monitor file; ``step`` the learner's steps at its end.

    Args:
        file: Ends in ``monitor.csv``; appended to if it is there.
        env: Name of the environment, for the first line.
    """

    def __init__(self, file: Path, env: str) -> None:
        super().__init__()
        self._path, self._env, self._start = file, env, time.time()
        self._file: TextIO | None = None

    def _on_training_start(self) -> None:
        self._lengths = np.zeros(self.training_env.num_envs, int)
        self._adapter = find_adapter(self.training_env)

    def _on_step(self) -> bool:
        assert self._adapter is not None
        step = self._adapter.collected(self.locals)
        if step is None:
            return True
        infos, dones = step
        self._lengths += 1
        for lane in np.flatnonzero(dones):
            self._write(infos[lane]["episode_terms"], int(self._lengths[lane]))
            self._lengths[lane] = 0
        return True

    def _on_training_end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, terms: dict[str, float], length: int) -> None:
        names = [name for name in terms if name not in (TRUE, SHAPED)]
        if self._file is None:
            self._file = self._open(names)
        cells = [terms[TRUE], length, round(time.time() - self._start, 6)]
        cells += [self.num_timesteps, terms[SHAPED], *(terms[name] for name in names)]
        self._file.write(",".join(repr(cell) for cell in cells) + "\n")

    def _open(self, names: list[str]) -> TextIO:
        is_new = not self._path.is_file()
        # by line: a killed training loses at most the line it was writing
        file = self._path.open("a", encoding="utf-8", buffering=1)
        if is_new:
            file.write("#" + json.dumps({"t_start": self._start, "env_id": self._env}) + "\n")
            columns = ["r", "l", "t", "step", SHAPED, *(f"term_{name}" for name in names)]
            file.write(",".join(columns) + "\n")
        return file
