"""One script a method: its published effect in miniature, or the honest news that it did not show.

A script is ``tests/evidence/<tag>.py``, named as the method is in a configuration. It declares

* ``CLAIM``, one sentence that a measurement can refuse; ``SOURCE``; ``BUDGET``, CPU minutes of one seed;
* ``run(seed, *, small=False) -> dict[str, float]``, one row; ``small`` only has to give the same keys;
* ``verdict(rows) -> (state, sentence)``, the state from `tests.evidence.harness.judging`;
* and where they differ from the defaults ``SEEDS`` (5; at least 10 where an outcome is success or
  failure), and for a method without a tag ``OBJECT``, ``"module:name"`` of the class that documents
  it, or ``EXAMPLE``, at most 8 lines of Python, and ``USE``, the command that uses it.

``make evidence ONLY=krc JOBS=2`` runs what is missing and writes ``docs/results/evidence/<tag>.json``,
the table ``docs/results/evidence.md`` and what ``rewardwrap methods`` prints.
"""
