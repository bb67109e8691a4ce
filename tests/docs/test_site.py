"""The site's pages that are generated: what they hold, and what stops the build."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import rewardwrap as rw
from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"
exceptions = pytest.importorskip("mkdocs.exceptions")


@pytest.fixture(scope="module")
def reference() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "hooks" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module  # where a dataclass looks for its module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["reference"]


def test_every_public_name_has_its_place_in_the_reference(reference: ModuleType) -> None:
    pages = "\n".join(reference.page(room) for room in reference.ROOMS)
    modules = {name for name in rw.__all__ if isinstance(getattr(rw, name), ModuleType)}
    for name in set(rw.__all__) - modules | {"compare"}:
        assert f'heading: "rw.{name}"' in pages


def test_a_public_name_that_says_nothing_stops_the_build(
    reference: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Mute(rw.Reward):
        pass

    Mute.__doc__ = None
    with pytest.raises(exceptions.PluginError, match=r"rw\.Mute has no docstring"):
        reference.first(Mute, "rw.Mute")
    Mute.__module__ = "rewardwrap.nowhere"
    with pytest.raises(exceptions.PluginError, match=r"rw\.Mute has no page"):
        reference.home(Mute, "Mute")


def test_pages_ask_nothing_of_a_network() -> None:
    for page in (*DOCS.rglob("*.css"), *DOCS.rglob("*.js"), *DOCS.rglob("*.jinja")):
        assert not re.search(r"https?://", page.read_text(encoding="utf-8")), page
    written = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in written
    assert "https://" not in written
