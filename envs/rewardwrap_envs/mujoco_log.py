"""MuJoCo's warnings, such as an unstable simulation, as messages of ``logging`` instead of MUJOCO_LOG.TXT.

Where nobody listens, MuJoCo writes that file into the folder that the program was started in.
"""

from __future__ import annotations

import logging
import sys

LOGGER = logging.getLogger("mujoco")


def listen() -> None:
    """Take MuJoCo's warnings where it is loaded and nobody takes them yet; once a process."""
    mujoco = sys.modules.get("mujoco")
    if mujoco is None or mujoco.get_mju_user_warning() is not None:
        return
    mujoco.set_mju_user_warning(LOGGER.warning)
