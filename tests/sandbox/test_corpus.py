"""Every attack gets its verdict and touches nothing: files, network, trainer, next reward, processes."""

from __future__ import annotations

import sys

import pytest

from tests.sandbox.corpus import DEADLINE, attacks

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the wall is Linux's"),
    pytest.mark.filterwarnings("ignore:reward code was restarted"),
]
CLASSES = {
    "files", "processes", "network", "raw", "native", "introspection", "resources", "returns", "protocol",
    "state", "text",
}  # fmt: skip
SLACK = 1.5
"""A first start on a loaded machine, which no deadline is about."""


def test_the_corpus_covers_every_class_with_at_least_a_hundred_attacks():
    names = [attack.name for attack in attacks()]
    assert len(names) == len(set(names)) >= 100
    assert {attack.table for attack in attacks()} == CLASSES


@pytest.mark.parametrize("attack", attacks(), ids=lambda a: f"{a.table}-{a.name}")
def test_an_attack_is_contained_and_gets_its_verdict(attack, raid):
    outcome = raid.outcomes[attack.name]
    assert outcome.harm == []
    assert outcome.verdict in attack.verdicts, outcome.sentence
    calls = 2 if attack.name.endswith("_later") else 1
    assert outcome.seconds <= calls * (DEADLINE + 1.0) + SLACK
    assert outcome.sentence.isprintable()
    assert len(outcome.sentence) < 1000


def test_nobody_reached_the_loopback(raid):
    assert raid.hits == []


def test_no_descriptor_is_left(raid):
    before, after = raid.descriptors
    assert after <= before
