"""``rewardwrap completion``: what a shell completes, as a script for it."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

from rewardwrap.core.errors import UnknownName

DESCRIPTION = """\
Print the completions of a shell. In ~/.bashrc or ~/.zshrc: eval "$(rewardwrap completion bash)". For fish:
rewardwrap completion fish > ~/.config/fish/completions/rewardwrap.fish. Commands, flags and their choices are
completed, names of environments and rewards where those stand, and files everywhere else."""
SHELLS = ("bash", "zsh", "fish")
BASH = """\
_rewardwrap() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} said
  if [ "$COMP_CWORD" = 1 ]; then said={commands}
  else case "${{COMP_WORDS[1]}} $before" in
{choices}
    *) case "${{COMP_WORDS[1]}}" in
{words}
    esac;;
  esac; fi
  COMPREPLY=($(compgen -W "$said" -- "$word"))
}}
complete -o default -F _rewardwrap rewardwrap
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", metavar="SHELL", help=", ".join(SHELLS))


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    print(script(args.shell), end="")
    return 0


def script(shell: str) -> str:
    """The completions of a shell.

    Raises:
        UnknownName: Another shell.
    """
    if shell not in SHELLS:
        raise UnknownName("shell", shell, SHELLS)
    return _fish() if shell == "fish" else _bash(zsh=shell == "zsh")


def _bash(*, zsh: bool) -> str:
    from rewardwrap.commands.table import COMMANDS

    choices, words = [], []
    for command in COMMANDS:
        flags: list[str] = list(_names(command))
        for names, values in _options(command):
            flags += names
            if values:
                cases = "|".join(shlex.quote(f"{command} {name}") for name in names)
                choices.append(f"    {cases}) said={shlex.quote(' '.join(values))};;")
        words.append(f"      {command}) said={shlex.quote(' '.join(flags))};;")
    made = BASH.format(
        commands=shlex.quote(" ".join(COMMANDS)), choices="\n".join(choices), words="\n".join(words)
    )
    return f"autoload -U +X bashcompinit && bashcompinit\n{made}" if zsh else made


def _fish() -> str:
    from rewardwrap.commands.table import COMMANDS

    lines = []
    for command, summary in COMMANDS.items():
        lines.append(
            f"complete -c rewardwrap -n __fish_use_subcommand -a {command} -d {shlex.quote(summary)}"
        )
        on = f"complete -c rewardwrap -n '__fish_seen_subcommand_from {command}'"
        if named := " ".join(_names(command)):
            lines.append(f"{on} -a {shlex.quote(named)}")
        for names, values in _options(command):
            flags = " ".join(f"-l {n[2:]}" for n in names if n.startswith("--"))
            given = f" -xa {shlex.quote(' '.join(values))}" if values else ""
            if flags:
                lines.append(f"{on} {flags}{given}")
    return "\n".join(lines) + "\n"


def _options(command: str) -> Iterator[tuple[list[str], list[str]]]:
    """Flags of a command, and what may follow them."""
    from rewardwrap.commands.table import parser_of

    for action in parser_of(command)._actions:
        if action.option_strings:
            yield list(action.option_strings), [str(choice) for choice in action.choices or ()]


def _names(command: str) -> list[str]:
    """What stands behind a command: names of environments, rewards, words of its own."""
    from rewardwrap.commands.table import parser_of

    first = next((a for a in parser_of(command)._actions if not a.option_strings), None)
    if first is None:
        return []
    if first.choices:
        return [str(choice) for choice in first.choices]
    if first.metavar and "ENV" in str(first.metavar):
        import rewardwrap_envs

        return list(rewardwrap_envs.recipes())
    if command == "rewards":
        from rewardwrap.core.registry import registered

        return list(registered())
    return []
