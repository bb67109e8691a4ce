"""``rewardwrap models``: which reward models there are, and which one is in use."""

from __future__ import annotations

import argparse
from pathlib import Path

from rewardwrap.commands.arguments import add_env, add_json, columns
from rewardwrap.core.errors import ConfigError

DESCRIPTION = """\
List the reward models of a registry, enter one, put one into use or take it out. A model is verified by its
SHA-256 before it is entered and before it is put into use. `seal` makes one of a network in an ONNX file."""
ONNX = ".onnx"


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--registry", type=Path, default=Path("models"), metavar="DIR",
                        help="folder of models.json (models)")  # fmt: skip
    add_json(parser)
    what = parser.add_subparsers(dest="what", metavar="WHAT")
    _own_flags(what.add_parser("list", help="list them (the default)"))
    added = what.add_parser("add", help="enter a model as candidate")
    added.add_argument("model", type=Path, metavar="MODEL")
    _own_flags(added)
    added.add_argument("--name", help="default: the folder's name")
    sealed = what.add_parser("seal", help="make a model of a network in an ONNX file")
    add_env(sealed, what="whose observations and actions the network reads")
    sealed.add_argument("file", type=Path, metavar="FILE", help="the network, *.onnx")
    sealed.add_argument("--out", type=Path, required=True, metavar="MODEL", help="folder to write")
    sealed.add_argument("--inputs", type=columns, default=("obs", "action"), metavar="A,B",
                        help="obs, action, next_obs, terminated, in its order (obs,action)")  # fmt: skip
    _own_flags(sealed)
    for name, summary in (("promote", "put a model into use"), ("retire", "take it out of use")):
        own = what.add_parser(name, help=summary)
        _own_flags(own)
        if name == "promote":
            own.add_argument(
                "--force",
                action="store_true",
                help="although it failed its gate or was never judged; the list says so",
            )
        own.add_argument(
            "which",
            metavar="VERSION",
            help="beginning of its version, or its name where there is one",
        )


def _own_flags(parser: argparse.ArgumentParser) -> None:
    """The flags again, so that they may stand behind the word too."""
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    parser.add_argument(
        "--registry", type=Path, default=argparse.SUPPRESS, metavar="DIR", help=argparse.SUPPRESS
    )


def run(args: argparse.Namespace) -> int:
    """Do it and show the list."""
    from rewardwrap.nets.registry import Registry

    if args.what == "seal":
        return _seal(args)
    registry = Registry(args.registry)
    if args.what == "add":
        if args.model.suffix == ONNX and args.model.is_file():
            raise ConfigError(
                f"models add: MODEL must be a folder, got a network in a file, {args.model}. Seal it first: "
                f"rewardwrap models seal ENV {args.model} --out MODEL."
            )
        registry.add(args.model, name=args.name)
    elif args.what == "promote":
        registry.promote(args.which, force=args.force)
    elif args.what == "retire":
        registry.retire(args.which)
    entries = registry.entries()
    if args.json:
        args.answer = entries
        return 0
    if not entries:
        print(f"No models in {args.registry}. Enter one: rewardwrap models add MODEL.")
        return 0
    from rich.table import Table

    from rewardwrap.commands.arguments import wide_console

    table = Table()
    for heading in ("version", "name", "stage", "objective", "held out", "data", "folder"):
        table.add_column(heading, overflow="fold")
    colour = {"prod": "green", "retired": "dim", "candidate": "yellow"}
    for entry in entries:
        shown = ", ".join(
            f"{k} {v:.3g}" for k, v in entry.heldout.items() if v is not None and k != "pairs"
        )
        table.add_row(
            entry.version,
            entry.name,
            f"[{colour[entry.stage]}]{entry.stage}[/]{' by force' if entry.forced else ''}",
            entry.objective,
            shown,
            entry.data[:12],
            entry.path,
        )
    wide_console().print(table)
    return 0


def _seal(args: argparse.Namespace) -> int:
    """A network of one's own becomes a folder like a fitted one."""
    from rewardwrap.adapters.build import builder_of
    from rewardwrap.rewards.learned import Learned

    if args.env is None:
        raise ConfigError(
            "models seal: ENV must say whose observations the network reads, got none. Write rewardwrap "
            f"models seal ENV {args.file} --out {args.out}."
        )
    if args.file.suffix != ONNX:
        raise ConfigError(
            f"models seal: FILE must be an ONNX file, got {args.file}. Export it (torch.onnx.export), or "
            "seal a torch module in Python: rw.Learned.from_torch(module, env=..., out=...)."
        )
    built = builder_of(args.env, tuple(args.catalog))("train", {})
    try:
        made = Learned.from_onnx(args.file, inputs=args.inputs, env=built, out=args.out)
    finally:
        built.close()
    args.answer = {"out": args.out, "version": made.version}
    print(f"Model {made.version}: {args.out}. Enter it: rewardwrap models add {args.out}.")
    return 0
