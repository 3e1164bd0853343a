"""Real threads: left to run freely and counted, or made to obey a schedule.

`stress` runs a program again and again on free `threading` threads and returns an `Observation`, which
compares itself with a verdict.  `replay` makes real threads follow one schedule, step by step.

Read next: `stressing`, then `driving` (a thread that takes its own steps), `obeying`.
"""

from interleave.real.obeying import replay
from interleave.real.observation import Comparison, Observation, Row
from interleave.real.stressing import stress

__all__ = ["Comparison", "Observation", "Row", "replay", "stress"]
