"""What a stranger installs: the wheel holds everything, and each way of installing works."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
TORCH = next(
    line
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line.startswith("torch==")
)
SAYS = (
    "import rewardwrap as rw, rewardwrap_envs, rewardwrap_policies; "
    "assert len(rewardwrap_envs.recipes()) > 30; "
    "assert rewardwrap_policies.hyperparameters('ppo', 'FrozenLake-8x8').n_envs == 8; "
    "env = rw.make('CartPole-v1', 'env'); env.reset(); print(rw.__file__)"
)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, cwd=cwd
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_three_packages_with_their_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("rewardwrap", "rewardwrap_envs", "rewardwrap_policies"):
        assert f"{package}/py.typed" in names
    for data in (
        "rewardwrap/compare/default.yml",
        "rewardwrap/compare/report.html.jinja",
        "rewardwrap/pages/page.css",
        "rewardwrap/evidence.json",
        "rewardwrap_envs/recipes/hopper.yml",
        "rewardwrap_policies/presets/ppo.yml",
    ):
        assert data in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "envs/", "policies/"))]


def test_who_may_use_it_and_how_to_cite_it_lie_at_the_top() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert project["project"]["license"] == cited["license"] == "MIT"
    assert project["project"]["version"] == cited["version"]
    assert {"LICENSE", "CITATION.cff"} <= set(
        project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", ["wheel", "folder", "editable"])
def test_it_installs_into_a_clean_environment(how: str, wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
    run(*pip, "torch")
    run(*pip, *{"wheel": [wheel], "folder": [ROOT], "editable": ["--editable", ROOT]}[how])
    inside = str(ROOT) if how == "editable" else str(tmp_path)
    assert run(python, "-c", SAYS, cwd=tmp_path).strip().startswith(inside)
    run(tmp_path / "venv" / "bin" / "rewardwrap", "rewards", cwd=tmp_path)
    told = run(tmp_path / "venv" / "bin" / "rewardwrap", "methods", "potential", cwd=tmp_path)
    assert "evidence: shown" in told


@pytest.mark.slow
def test_the_source_holds_what_the_wheel_is_made_of_and_how_it_is_checked(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--sdist", "--outdir", tmp_path, ROOT)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    for needed in ("LICENSE", "README.md", "Makefile", "constraints.txt", "mkdocs.yml"):
        assert needed in names
    assert {"rewardwrap/__init__.py", "tests/conftest.py", "docs/index.md"} <= names
    assert not [name for name in names if name.startswith(("site/", ".venv/", "runs/"))]


@pytest.mark.slow
def test_all_extras_install_with_the_releases_of_today(wheel: Path, tmp_path: Path) -> None:
    """Nobody else has our constraints; torch alone is given, so that no GPU libraries come along."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", TORCH)
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[all]")
    run(python, "-m", "pip", "check")
    assert run(python, "-c", SAYS, cwd=tmp_path).strip().startswith(str(tmp_path))
    told = run(tmp_path / "venv" / "bin" / "rewardwrap", "doctor", cwd=tmp_path)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for extra in extras["all"][0].removeprefix("rewardwrap[").removesuffix("]").split(","):
        assert f"extra [{extra}]" in told
        line = next(line for line in told.splitlines() if f"extra [{extra}]" in line)
        assert "works" in line, line
