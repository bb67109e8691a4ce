"""What a source says about itself, found out in a locked process: hostile text can kill a parser."""

from __future__ import annotations

import functools
import json

from rewardwrap.sandbox import layout
from rewardwrap.sandbox.errors import SandboxError
from rewardwrap.sandbox.gate import Reading
from rewardwrap.sandbox.process import Died, Process
from rewardwrap.sandbox.sentences import clean
from rewardwrap.sandbox.wires import Late

SECONDS = 5.0
MEMORY = 256 << 20


@functools.lru_cache(maxsize=256)
def reading_of(source: str) -> Reading:
    """Components, fields and the gate's verdict; nothing of the source runs."""
    process = Process("readings", memory=MEMORY)
    try:
        said = process.ask(layout.LOAD, source, SECONDS)
    except (Died, Late) as error:
        how = str(error) or f"no end after {SECONDS:g} s"
        return Reading(
            refusal=f"the source must be Python that can be parsed, got a parser that failed ({how})",
            parses=False,
        )
    finally:
        process.close()
    found = json.loads(said)
    components = found["components"]
    return Reading(
        components=None if components is None else tuple(components),
        fields=[(line, place, name) for line, place, name in found["fields"]],
        refusal=None if found["refusal"] is None else clean(found["refusal"]),
        line=found["line"],
        parses=found["parses"],
    )


def require_passing(source: str) -> Reading:
    """The reading of a source that the strict gate lets through.

    Raises:
        SandboxError: It does not; the sentence has the line.
    """
    reading = reading_of(source)
    if reading.refusal is not None:
        where = f"line {reading.line}: " if reading.line else ""
        raise SandboxError(
            f"reward code: {where}{reading.refusal}.", reason="gate", line=reading.line
        )
    return reading
