"""``rewardwrap new``: a reward, an environment or a recipe to begin with, its test and its evidence."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rewardwrap.commands.arguments import add_json, wide_console
from rewardwrap.commands.new_files import FILES
from rewardwrap.core.errors import ConfigError
from rewardwrap.files import FolderTaken, write_whole

DESCRIPTION = """\
Write three files to begin with: what was asked for, a test of it, and an evidence script that says what it
is claimed to do and measures it. All three run as they are: pytest, then python evidence_NAME.py."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("sort", choices=tuple(FILES), metavar="SORT", help=", ".join(FILES))
    parser.add_argument("name", metavar="NAME", help="in snake_case, e.g. soft_landing")
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder (default: this one)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Write them, and say what to run."""
    made = write(args.sort, args.name, args.out)
    args.answer = {"files": made}
    console = wide_console()
    for file in made:
        console.print(f"Wrote {file}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"Run: pytest {made[1]} && python {made[2]}", markup=False, highlight=False, soft_wrap=True
    )
    return 0


def write(sort: str, name: str, out: Path) -> list[Path]:
    """The three files, none of which may be there already.

    Raises:
        ConfigError: A name that Python cannot import.
        FolderTaken: A file of that name is there.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"NAME must be lower-case letters, digits and '_', beginning with a letter, got {name!r}. Write "
            "e.g. soft_landing."
        )
    main, *others = FILES[sort]
    suffix = ".yml" if sort == "recipe" else ".py"
    files = [out / f"{name}{suffix}", out / f"test_{name}.py", out / f"evidence_{name}.py"]
    for file in files:
        if file.exists():
            raise FolderTaken(f"{file} must be new, got one that is there. Choose another name.")
    words = {"NAME": name, "CLASS": "".join(part.capitalize() for part in name.split("_"))}
    out.mkdir(parents=True, exist_ok=True)
    for file, text in zip(files, (main, *others), strict=True):
        for word, meant in words.items():
            text = text.replace(f"<{word}>", meant)
        write_whole(file, text.lstrip("\n"))
    return files
