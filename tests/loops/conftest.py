"""The fixtures of reward networks, for what changes them while an agent trains."""

from tests.nets.conftest import _one_thread, line, paying, record, swinging, table

__all__ = ["_one_thread", "line", "paying", "record", "swinging", "table"]
