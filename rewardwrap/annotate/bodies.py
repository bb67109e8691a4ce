"""Clips of MuJoCo bodies as line drawings, from observations alone.

An observation that holds positions and velocities fixes the pose; where the body's place in the world
is left out of it, its velocity is summed up from the clip's start. MuJoCo computes where the geoms
are, and they are drawn as what they are: capsules are thick lines, spheres dots. Rendering pictures
with OpenGL instead took 0.3 s for each of them on two cores without a graphics card; this takes under
1 ms and needs no driver.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap.annotate.scenes import Canvas
from rewardwrap.core.transitions import FloatArray

AZIMUTH, ELEVATION = np.deg2rad(55.0), np.deg2rad(22.0)
LIMBS = ("s1", "s2", "s3", "s4", "s5", "s6", "s7")
TORSO = "s0"
ASPECT = 4 / 3
TOLERANCE = 1e-3
_SLIDE, _HINGE = 2, 3
"""MuJoCo's mjtJoint."""
_PLANE, _CAPSULE, _CYLINDER, _BOX = 0, 3, 5, 6
"""MuJoCo's mjtGeom."""
MARGIN, SNUG = 1.5, 1.06
"""Height of the picture in heights of the body; snug where nothing leaves its frame."""


class Unlike(Exception):
    """Observations that the environment would not have given in that pose."""


class Bodies:
    """Draws what an environment's bodies do.

    Args:
        env: An environment on MuJoCo; it is posed, never stepped.

    Raises:
        Unlike: One whose observations do not tell its pose.
    """

    def __init__(self, env: Any) -> None:
        import mujoco

        self._mujoco = mujoco
        self._env = env.unwrapped
        self._model, self._data = self._env.model, self._env.data
        self._skipped, self._read = _reader(self._env)
        self._axes = _projection(self._model)
        self._solid = self._model.geom_type != _PLANE
        self._floor = not self._solid.all()
        self._flat = bool(np.isin(self._axes, (-1, 0, 1)).all())
        """Whether the picture shows the plane that the body moves in."""
        self._ground = self._floor and self._axes[1, 2] == 1
        self._limb = _limbs(self._model)
        self._view = self._room()

    def check(self, obs: FloatArray) -> None:
        """See that poses give back the observations that they were read from.

        Args:
            obs: ``(n, width)``, some of the data.

        Raises:
            Unlike: Posed that way the environment would show other numbers.
        """
        for row in obs:
            if row.shape != self._env.observation_space.shape:
                raise Unlike(
                    f"the observations have shape {row.shape}, the environment's "
                    f"{self._env.observation_space.shape}"
                )
            position, velocity = self._read(row)
            self._pose(np.concatenate([np.zeros(self._skipped), position]), velocity)
            shown = np.asarray(self._env._get_obs(), np.float64)
            # contact forces follow from the past too, and are not part of the pose
            known = self._model.nq + self._model.nv - self._skipped
            gap = np.abs(shown - row)[:known]
            if (gap > TOLERANCE * (1 + np.abs(row[:known]))).any():
                raise Unlike(
                    f"posed by its observations the environment shows others (by {gap.max():.3g}); "
                    "they may be normalised, or of another version"
                )

    def scene(self, obs: FloatArray) -> dict[str, Any]:
        """``(T, width)`` observations as a scene."""
        poses = [self._read(row) for row in obs]
        shift = self._travelled([velocity for _, velocity in poses])
        canvas = Canvas(*self._view)
        for step, (position, velocity) in enumerate(poses):
            self._pose(np.concatenate([shift[step], position]), velocity)
            self._draw(canvas)
        return canvas.scene()

    def _travelled(self, velocities: list[FloatArray]) -> FloatArray:
        """``(T, skipped)`` how far the body went since the clip began."""
        if not self._skipped:
            return np.zeros((len(velocities), 0))
        steps = np.array([v[: self._skipped] for v in velocities]) * self._env.dt
        # the velocity at a step is the one the last step ended with
        steps[0] = 0.0
        travelled: FloatArray = np.cumsum(steps, axis=0)
        return travelled

    def _pose(self, position: FloatArray, velocity: FloatArray) -> None:
        self._data.qpos[:], self._data.qvel[:] = position, velocity
        self._mujoco.mj_forward(self._model, self._data)

    def _room(self) -> tuple[float, float, float, float]:
        """Width, height, left and bottom of a picture that fits every clip: from the pose at reset."""
        self._pose(self._env.init_qpos, self._env.init_qvel)
        points, radii = self._ends()
        flat = points @ self._axes[:2].T - self._root()
        low = (flat - radii[:, None, None]).min(axis=(0, 1))
        high = (flat + radii[:, None, None]).max(axis=(0, 1))
        model = self._model
        for joint in np.flatnonzero((model.jnt_type == _SLIDE) & (model.jnt_limited == 1)):
            if not self._skipped:  # a cart on its rail stays in sight to both ends
                ends = model.jnt_range[joint][:, None] * (self._axes[:2] @ model.jnt_axis[joint])
                low, high = low + ends.min(axis=0), high + ends.max(axis=0)
        wide, tall = (float(x) for x in high - low)
        # seen from aside, a body that lies down may stand up
        size = max(tall, wide / ASPECT if self._flat else wide)
        height = (MARGIN if self._skipped or self._ground else SNUG) * size
        width = height * ASPECT
        bottom = -0.14 * height if self._ground else float(low[1] + high[1] - height) / 2
        return width, height, float(low[0] + high[0] - width) / 2, bottom

    def _root(self) -> FloatArray:
        """What the picture follows: the body, where it travels."""
        if not self._skipped:
            return np.zeros(2)
        flat: FloatArray = self._axes[:2] @ self._data.xpos[1]
        if self._ground:
            flat[1] = 0.0
        return flat

    def _draw(self, canvas: Canvas) -> None:
        canvas.frame()
        root = self._root()
        if self._floor:
            self._draw_floor(canvas, root)
        points, radii = self._ends()
        depth = points.mean(axis=1) @ self._axes[2]
        for geom in np.argsort(-depth, kind="stable"):
            one, other = points[geom] @ self._axes[:2].T - root
            colour = self._limb[np.flatnonzero(self._solid)[geom]]
            if np.allclose(one, other, atol=1e-4):
                canvas.put(canvas.shape("dot", colour, float(radii[geom])), *one)
            else:
                canvas.put(canvas.shape("line", colour, float(radii[geom])), *one, *other)

    def _draw_floor(self, canvas: Canvas, root: FloatArray) -> None:
        line = canvas.shape("line", "line")
        if self._ground:  # with a mark each metre
            ground = canvas.shape("area", "ground", edge=False)
            left, right = canvas.left, canvas.left + canvas.width
            canvas.area(ground, left, canvas.bottom, right, canvas.bottom, right, 0, left, 0)
            canvas.put(line, left, 0, right, 0)
            for metre in range(int(np.ceil(left + root[0])), int(right + root[0]) + 1):
                canvas.put(line, metre - root[0], 0, metre - root[0], 0.45 * canvas.bottom)
            return
        here = np.round(self._data.xpos[1][:2]) if self._skipped else np.zeros(2)
        # Swimmer and Reacher lie in the plane that is seen: a metre there, less for small bodies
        unit = 1.0 if canvas.width > 2 else 0.1
        reach = int(np.ceil(canvas.width / unit)) + 1
        for k in range(-reach, reach + 1):
            for along in ((1, 0), (0, 1)):
                across = np.array([along[1], along[0]])
                ends = [
                    self._axes[:2, :2] @ (here + unit * (k * across + s * reach * np.array(along)))
                    for s in (-1, 1)
                ]
                canvas.put(line, *(ends[0] - root), *(ends[1] - root))

    def _ends(self) -> tuple[FloatArray, FloatArray]:
        """``(G, 2, 3)`` both ends of every solid geom, and ``(G,)`` its radius."""
        points, radii = [], []
        for geom in np.flatnonzero(self._solid):
            kind, size = int(self._model.geom_type[geom]), self._model.geom_size[geom]
            middle = self._data.geom_xpos[geom]
            turn = self._data.geom_xmat[geom].reshape(3, 3)
            half, radius = np.zeros(3), float(size[0])
            if kind in (_CAPSULE, _CYLINDER):
                half = turn[:, 2] * size[1]
            elif kind == _BOX:  # as a bar along its longest side
                longest = int(np.argmax(size))
                radius = float(np.sort(size)[1])
                half = turn[:, longest] * max(0.0, size[longest] - radius)
            points.append([middle - half, middle + half])
            radii.append(radius)
        return np.array(points), np.array(radii)


def _reader(env: Any) -> tuple[int, Any]:
    """How many positions are left out, and a function ``obs -> (qpos of the rest, qvel)``."""
    nq, nv = env.model.nq, env.model.nv
    structure = getattr(env, "observation_structure", None)
    if structure is not None:
        skipped, kept = structure.get("skipped_qpos", 0), structure["qpos"]
        if skipped + kept != nq or structure["qvel"] != nv:
            raise Unlike("observations leave out a part of the pose")
        return skipped, lambda obs: (obs[:kept], obs[kept : kept + nv])
    name = type(env).__name__
    if name == "ReacherEnv":
        return 0, lambda o: (
            np.concatenate([np.arctan2(o[2:4], o[:2]), o[4:6]]),
            np.concatenate([o[6:8], np.zeros(2)]),
        )
    if name == "InvertedDoublePendulumEnv":
        return 0, lambda o: (np.concatenate([o[:1], np.arctan2(o[1:3], o[3:5])]), o[5:8])
    raise Unlike("observations do not tell the pose")


def _projection(model: Any) -> FloatArray:
    """``(3, 3)`` rows right, up and away: along the one plane that a body moves in, else from aside."""
    hinge, slide = model.jnt_type == _HINGE, model.jnt_type == _SLIDE
    planar = bool((hinge | slide).all())
    for normal, axes in (
        (1, ((1, 0, 0), (0, 0, 1), (0, 1, 0))),
        (2, ((1, 0, 0), (0, 1, 0), (0, 0, -1))),
    ):
        across = np.abs(model.jnt_axis[:, normal])
        if planar and (across[hinge] > 0.99).all() and (across[slide] < 0.01).all():
            return np.array(axes, np.float64)
    away = np.array([np.cos(AZIMUTH) * np.cos(ELEVATION), np.sin(AZIMUTH) * np.cos(ELEVATION),
                     -np.sin(ELEVATION)])  # fmt: skip
    right = np.cross(away, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(right, away), away])


def _limbs(model: Any) -> list[str]:
    """A colour for every geom: one for each chain of bodies that does not branch again."""
    parent = model.body_parentid
    children = np.bincount(parent[1:], minlength=model.nbody)
    branches = children > 1
    for body in range(model.nbody - 1, 0, -1):  # children come after their parents
        branches[parent[body]] |= branches[body]
    chain: dict[int, str] = {}
    colours = []
    for geom in range(model.ngeom):
        body = int(model.geom_bodyid[geom])
        if body <= 1 or branches[body]:
            colours.append(TORSO)
            continue
        while parent[body] > 1 and not branches[parent[body]]:
            body = int(parent[body])
        chain.setdefault(body, LIMBS[len(chain) % len(LIMBS)])
        colours.append(chain[body])
    return colours
