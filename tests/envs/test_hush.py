"""Known chatter is dropped; everything else still reaches the terminal."""

from __future__ import annotations

import os
from typing import Any

import pytest

import rewardwrap_envs
from rewardwrap_envs.hush import hushed


def test_only_known_lines_are_dropped(capfd: Any) -> None:
    with hushed("known"):
        os.write(2, b"known thing\n\nother thing\n")
    assert capfd.readouterr().err == "other thing\n"


def test_what_was_written_before_an_exception_is_kept(capfd: Any) -> None:
    def fail() -> None:
        with hushed("known"):
            os.write(2, b"the cause\n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert capfd.readouterr().err == "the cause\n"


def test_half_cheetah_is_made_in_silence(capfd: Any) -> None:
    rewardwrap_envs.recipe("HalfCheetah-v5").build().close()
    assert capfd.readouterr().err == ""
