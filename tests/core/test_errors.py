from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from rewardwrap.compare.results import ResultsError
from rewardwrap.compare.statistics import ScoresError
from rewardwrap.core import errors
from rewardwrap.core.errors import ConfigError, MissingExtra, RewardwrapError, UnknownName, extra

TREE = {
    ConfigError: ValueError,
    UnknownName: LookupError,
    errors.GammaMismatch: ValueError,
    errors.StackError: ValueError,
    errors.RewardValueError: ValueError,
    ResultsError: ValueError,
    ScoresError: ValueError,
    MissingExtra: ImportError,
}


@pytest.mark.parametrize(("error", "builtin"), TREE.items())
def test_every_error_is_ours_and_the_builtin_of_the_tree(
    error: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(error, RewardwrapError)
    assert issubclass(error, builtin)


def test_the_drawn_tree_is_the_tree_in_the_code() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+) +\((\w+)\)", errors.__doc__ or ""))
    assert drawn == {error.__name__: builtin.__name__ for error, builtin in TREE.items()}


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
        and not re.search(r"(must|may) .*(got|not be)[: ].*[.:}] .*(\.|\{\})$", said)
    ]
    assert not wrong, "\n".join(wrong)
