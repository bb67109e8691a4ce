from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rewardwrap
from rewardwrap.core import errors
from rewardwrap.core.errors import ConfigError, MissingExtra, RewardwrapError, UnknownName, extra

# what begins to work when it is imported, as a process of its own
PROGRAMS = ("__main__", "worker")


def imported() -> None:
    """Import every module, so that every error is known; what needs an absent package is left out."""
    for module in pkgutil.walk_packages(rewardwrap.__path__, "rewardwrap."):
        if module.name.rpartition(".")[2] in PROGRAMS:
            continue
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            if (error.name or "rewardwrap").partition(".")[0] == "rewardwrap" and not isinstance(
                error, MissingExtra
            ):
                raise


def below(error: type[Exception]) -> Iterator[type[Exception]]:
    """Every error of the package that derives from one."""
    for child in error.__subclasses__():
        if child.__module__.startswith("rewardwrap."):
            yield child
            yield from below(child)


def builtin(error: type[Exception]) -> str:
    """The builtin it derives from: one that it names itself, else one of its parents."""
    bases = [b for b in (*error.__bases__, *error.__mro__) if b.__module__ == "builtins"]
    return bases[0].__name__


def in_code() -> dict[str, tuple[str, str, str]]:
    """Error -> parent, builtin, and the line that draws it."""
    imported()
    found = {}
    for error in below(RewardwrapError):
        parent = next(b for b in error.__bases__ if issubclass(b, RewardwrapError))
        file = error.__module__.removeprefix("rewardwrap.").replace(".", "/") + ".py"
        line = f"├── {error.__name__} ({builtin(error)}) <what it says> ({file})"
        found[error.__name__] = (parent.__name__, builtin(error), line)
    return found


def in_drawing() -> dict[str, tuple[str, str]]:
    """The same, but for the line, from the docstring; a branch is four columns deeper."""
    above, found = ["RewardwrapError"], {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([│ ]*)[├└]── (\w+) +\((\w+)\)", line)
        if match:
            depth = len(match[1]) // 4
            found[match[2]] = (above[depth], match[3])
            above[depth + 1 :] = [match[2]]
    return found


def test_the_drawn_tree_is_the_tree_in_the_code() -> None:
    drawn, code = in_drawing(), in_code()
    wrong = [
        f"below {parent}, add or correct: {line}"
        for name, (parent, kind, line) in code.items()
        if drawn.get(name) != (parent, kind)
    ]
    wrong += [
        f"delete the line of {name}: nothing defines it" for name in drawn if name not in code
    ]
    assert not wrong, "the tree at the top of core/errors.py\n" + "\n".join(wrong)


def test_an_unknown_name_is_a_configuration_error_too() -> None:
    assert issubclass(UnknownName, ConfigError)


def test_an_unknown_name_gives_the_near_misses_and_all_that_is_known() -> None:
    said = str(UnknownName("reward", "potentail", ["potential", "env", "constant"]))
    assert said == (
        'No reward "potentail". Did you mean "potential"? Known: constant, env, potential.'
    )
    assert '"bath" or "path"' in str(UnknownName("field", "math", ["path", "bath", "x"])) or (
        '"path" or "bath"' in str(UnknownName("field", "math", ["path", "bath", "x"]))
    )


def test_an_unknown_name_that_is_near_to_nothing_does_not_guess() -> None:
    assert str(UnknownName("field", "zzz", ["angle"])) == 'No field "zzz". Known: angle.'
    assert str(UnknownName("field", "x", [])) == 'No field "x". Known: none.'


def test_errors_about_files_carry_where_the_value_lies() -> None:
    assert ConfigError("no").path == ()
    assert UnknownName("x", "y", [], path=("reward", 0)).path == ("reward", 0)


def test_a_missing_package_is_told_with_the_line_that_installs_it() -> None:
    with pytest.raises(MissingExtra) as caught:
        extra("nowhere_at_all", needs="Atari environments", install="atari")
    assert str(caught.value) == (
        "Atari environments must have nowhere_at_all, which is not installed. "
        'Run: pip install "rewardwrap[atari]".'
    )
    assert isinstance(caught.value.__cause__, ImportError)


def test_an_installed_package_is_imported() -> None:
    assert extra("json", needs="x", install="x").loads("[1]") == [1]


def test_warnings_are_no_errors() -> None:
    assert issubclass(errors.RewardwrapWarning, UserWarning)
    assert not issubclass(errors.RewardwrapWarning, RewardwrapError)


OURS = {"ConfigError", "GammaMismatch", "StackError", "RewardValueError"}
PACKAGE = Path(errors.__file__).parents[1]


def sentences() -> list[tuple[str, str]]:
    """Where the package builds an error of its own, and what it says, with {} for values."""
    return [
        (f"{file.relative_to(PACKAGE)}:{call.lineno}", spelled(call.args[0]))
        for file in sorted(PACKAGE.rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in OURS and call.args
    ]


def spelled(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(map(spelled, node.values))
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


def test_every_sentence_names_the_rule_the_value_and_the_way_out() -> None:
    found = sentences()
    assert len(found) > 60
    wrong = [
        f"{where}: {said}"
        for where, said in found
        # what only passes another error on says {} alone
        if said.strip("{}: ")
        and not re.search(r'(must|may) .*(got|not be)[: ].*[.:}] .*(\."?|\{\})$', said)
    ]
    assert not wrong, "\n".join(wrong)
