"""The Python expressions RL Zoo writes inside YAML, read without `eval`."""

from __future__ import annotations

import ast
from typing import Any

from rewardwrap_policies.errors import PresetError


def read_expression(text: str, *, where: str) -> Any:
    """Build the value of an expression such as ``dict(net_arch=[64], activation_fn=nn.ReLU)``.

    Allowed: numbers, text, True, False, None, lists, tuples, dicts, ``dict(name=value)``, and the
    names ``nn.<Module>`` (also ``torch.nn`` and ``th.nn``), ``torch.optim.<Optimizer>``,
    ``RMSpropTFLike`` and ``HerReplayBuffer``. Nothing else is looked up or called, so a settings
    file cannot run code.

    Args:
        text: the expression.
        where: the start of an error message, e.g. ``ppo.yml:12``.

    Raises:
        PresetError: anything else.

    >>> read_expression("dict(net_arch=dict(pi=[64], vf=[64]), log_std_init=-2)", where="x")
    {'net_arch': {'pi': [64], 'vf': [64]}, 'log_std_init': -2}
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise PresetError(
            f"{where}: an expression must be Python, got {text!r} ({error.msg}). "
            'Write e.g. "dict(net_arch=[64, 64])".'
        ) from error
    return _value(tree.body, text, where)


def _value(node: ast.expr, text: str, where: str) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=items):
            return [_value(item, text, where) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, text, where) for item in items)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {
                _value(key, text, where): _value(value, text, where)
                for key, value in zip(keys, values, strict=True)
                if key is not None
            }
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            if all(keyword.arg for keyword in keywords):
                return {str(word.arg): _value(word.value, text, where) for word in keywords}
        case ast.Name() | ast.Attribute():
            return _named(ast.unparse(node), text, where)
    raise _refusal(ast.unparse(node), text, where)


def _named(name: str, text: str, where: str) -> Any:
    """Look up a class by the few names settings need."""
    import torch
    from stable_baselines3 import HerReplayBuffer
    from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike

    by_name: dict[str, type] = {"RMSpropTFLike": RMSpropTFLike, "HerReplayBuffer": HerReplayBuffer}
    if name in by_name:
        return by_name[name]
    folder, _, last = name.removeprefix("torch.").removeprefix("th.").rpartition(".")
    homes = {"nn": (torch.nn, torch.nn.Module), "optim": (torch.optim, torch.optim.Optimizer)}
    if folder in homes:
        module, parent = homes[folder]
        found = getattr(module, last, None)
        if isinstance(found, type) and issubclass(found, parent):
            return found
    raise _refusal(name, text, where)


def _refusal(part: str, text: str, where: str) -> PresetError:
    return PresetError(
        f"{where}: an expression must be made of numbers, text, lists, dict(...) and names like "
        f"nn.ReLU, got {part!r} in {text!r}. Settings that need code belong in a Python script."
    )
