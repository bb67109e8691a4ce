"""The folder of one training: RL Zoo's tree, with bundles in place of pickles.

``logs/<algo>/<Env>_<n>/`` holds ``<Env>/{config,args}.yml``, ``<Env>/command.txt``,
``evaluations.npz``, ``monitor.csv`` and the bundles ``best/<step>/`` and ``last/<step>/``.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.files import write_whole
from rewardwrap.limits import require_modest

if TYPE_CHECKING:  # it loads torch, which a table of finished runs does without
    from rewardwrap.training.evaluation import Evaluation

BEST, LAST = "best", "last"
EPISODES = "monitor.csv"
STOPPED = "stopped.txt"
_STEP = re.compile(r"\d+(_\d+)?")


class FolderError(RewardwrapError, OSError):
    """A folder that is not that of a training, or has nothing to go on from."""


class RunFolder:
    """Where one training writes.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def new(cls, logs: Path, algo: str, env: str) -> RunFolder:
        """The next free ``logs/<algo>/<Env>_<n>``."""
        parent, name = logs / algo, plain_name(env)
        for number in range(_last_number(parent, name) + 1, 1_000_000):
            try:
                (parent / f"{name}_{number}").mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise _not_writable(logs, error) from error
            return cls(parent / f"{name}_{number}")
        raise FolderError(
            f"{parent} must have a free number, got a million runs. Choose another -f."
        )

    @classmethod
    def newest(cls, logs: Path, algo: str, env: str) -> RunFolder:
        """The training of that environment that was started last.

        Raises:
            FolderError: There is none.
        """
        parent, name = logs / algo, plain_name(env)
        number = _last_number(parent, name)
        if number == 0:
            raise FolderError(
                f"--resume must find a training, got none in {parent}. Name its folder: --resume DIR."
            )
        return cls(parent / f"{name}_{number}")

    def write_start(
        self, env: str, *, row: Mapping[str, Any], args: Mapping[str, Any], command: str
    ) -> None:
        """Write down what was asked for, before anything is trained."""
        folder = self.path / plain_name(env)
        folder.mkdir(exist_ok=True)
        (folder / "config.yml").write_text(_yaml(row), encoding="utf-8")
        (folder / "args.yml").write_text(_yaml(args), encoding="utf-8")
        (folder / "command.txt").write_text(command + "\n", encoding="utf-8")

    def args(self) -> dict[str, Any]:
        """What ``args.yml`` holds.

        Raises:
            FolderError: There is none.
        """
        found = sorted(self.path.glob("*/args.yml"))
        if not found:
            raise FolderError(
                f"{self.path} must be the folder of a training, got one without args.yml. "
                "Give logs/<algo>/<Env>_<n>."
            )
        made: dict[str, Any] = yaml.safe_load(found[0].read_text(encoding="utf-8"))
        return made

    def note_stop(self, reason: str | None) -> None:
        """Write down why the training ended before its steps were used up, or that it did not."""
        if reason is None:
            (self.path / STOPPED).unlink(missing_ok=True)
        else:
            write_whole(self.path / STOPPED, reason + "\n")

    def stopped(self) -> str | None:
        """What `note_stop` wrote."""
        file = self.path / STOPPED
        return file.read_text(encoding="utf-8").strip() if file.is_file() else None

    def bundle(self, which: str = BEST) -> Path:
        """The newest bundle of a kind, ``"best"`` or ``"last"``.

        Raises:
            FolderError: None was written yet.
        """
        found = [f for f in (self.path / which).glob("*") if _STEP.fullmatch(f.name)]
        if not found and not any(self.path.glob("*/args.yml")):
            raise FolderError(
                f"{self.path} must be the folder of a training, got one without args.yml. "
                "Give logs/<algo>/<Env>_<n>, or a bundle."
            )
        if not found:
            raise FolderError(
                f"{self.path} must hold a bundle, got none in {which}/. "
                "Was the training stopped before its first checkpoint? Start it again."
            )
        return max(found, key=lambda folder: tuple(map(int, folder.name.split("_"))))

    def place(self, which: str, step: int) -> Path:
        """Where a bundle of this step goes; never a name that is taken, so that one is always whole."""
        folder = self.path / which / str(step)
        number = 2
        while folder.exists():
            folder, number = folder.with_name(f"{step}_{number}"), number + 1
        return folder

    def keep_only(self, bundle: Path) -> None:
        """Delete the other bundles beside this one."""
        for other in bundle.parent.iterdir():
            if other != bundle:
                shutil.rmtree(other, ignore_errors=True)

    def evaluations(self) -> dict[str, NDArray[Any]]:
        """What ``evaluations.npz`` holds; empty before the first."""
        file = self.path / "evaluations.npz"
        if not file.is_file():
            return {}
        require_modest(file)
        with np.load(file, allow_pickle=False) as found:
            return dict(found)

    def add_evaluation(self, step: int, evaluation: Evaluation) -> None:
        """Add a row, in SB3's layout plus ``shaped`` and ``term_<name>``; the file stays whole."""
        row: dict[str, Any] = {
            "timesteps": step,
            "results": evaluation.true,
            "ep_lengths": evaluation.lengths,
            "shaped": evaluation.shaped,
            **{f"term_{name}": sums for name, sums in evaluation.terms.items()},
        }
        before = self.evaluations()
        self._write_evaluations(
            {
                key: np.concatenate([before[key], [value]]) if key in before else np.array([value])
                for key, value in row.items()
            }
        )

    def cut(self, step: int) -> None:
        """Forget what was recorded after ``step``: a resumed training records it again."""
        found = self.evaluations()
        if found:
            kept = found["timesteps"] <= step
            self._write_evaluations({key: column[kept] for key, column in found.items()})
        file = self.path / EPISODES
        if file.is_file():
            head, names, *lines = file.read_text(encoding="utf-8").splitlines()
            place = names.split(",").index("step")
            rows = [line for line in lines if _number(line, place) <= step]
            write_whole(file, "\n".join([head, names, *rows, ""]))

    def _write_evaluations(self, columns: Mapping[str, NDArray[Any]]) -> None:
        content = io.BytesIO()
        np.savez(content, **columns)  # type: ignore[arg-type]
        write_whole(self.path / "evaluations.npz", content.getvalue())


def bundle_in(path: Path, which: str = BEST) -> Path:
    """The bundle that a path means: itself, that of a finished comparison's run, or a training's."""
    if (path / "bundle.json").is_file():
        return path
    if (path / "bundle" / "bundle.json").is_file():
        return path / "bundle"
    if not path.is_dir():
        raise FolderError(
            f"{path} must hold a bundle, got no such folder. Check the path: logs/<algo>/<Env>_<n>."
        )
    return RunFolder(path).bundle(which)


def writable(folder: Path) -> Path:
    """The folder, made where it is missing.

    Raises:
        FolderError: It cannot be made, or is a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error) from error
    return folder


def _not_writable(folder: Path, error: OSError) -> FolderError:
    return FolderError(
        f"{folder} must be a folder that can be written to, got: {error.strerror}. Choose another with --out."
    )


def plain_name(env: str) -> str:
    """The name of an environment as a folder may have it on every system.

    >>> plain_name("mypkg:ns/Env-v0")
    'mypkg-ns-Env-v0'
    """
    return env.replace("/", "-").replace(":", "-")


def _number(line: str, place: int) -> float:
    """A cell of a CSV line; a line that broke off counts as after everything."""
    cells = next(csv.reader([line]), [])
    try:
        return float(cells[place])
    except (IndexError, ValueError):
        return float("inf")


def _last_number(parent: Path, name: str) -> int:
    pattern = re.compile(re.escape(name) + r"_(\d+)")
    found = [pattern.fullmatch(f.name) for f in parent.glob(f"{name}_*")]
    return max((int(match[1]) for match in found if match), default=0)


def _yaml(content: Mapping[str, Any]) -> str:
    text: str = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    return text
