"""Real threads made to obey a schedule: each run of it is carried out by the operating-system thread it names.

A machine holds the execution, as ever, and one real thread stands for each of its threads.  The one that is
told to go takes all the steps of its run itself, so a lock is really taken by that thread and a generator
is resumed on its own stack; then it hands back.  A hand-over costs about ten microseconds and only
switches need one, so a schedule of 600,000 steps in few runs costs what the machine costs.

Read next: `replaying`, which walks the schedule.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from interleave import replaying
from interleave.machine import Machine
from interleave.scenario import Program
from interleave.schedule import Schedule
from interleave.trace import Trace


def replay(program: Program, schedule: Schedule) -> Trace:
    """Run `program` once by `schedule` on real threads and return the trace, the same as the machine's.

    Costs one hand-over between real threads for each run of the schedule, besides the machine's own steps.

    Raises ScheduleError where the schedule does not fit the program, as `replaying.follow` does.
    """
    carriers = _Carriers()
    try:
        trace = replaying.follow(program, schedule, carriers.carry)
    except BaseException:
        carriers.dismiss(wait=False)  # Ctrl-C may have come while one of them is at work
        raise
    carriers.dismiss(wait=True)
    return trace


class _Carriers:
    """One real thread for each thread of a machine, started when it moves for the first time."""

    def __init__(self) -> None:
        self._carriers: dict[int, _Carrier] = {}

    def carry(self, machine: Machine, index: int, work: Callable[[], None]) -> None:
        """Have the real thread of machine thread number `index` do `work`, and wait for it; raises what it raises."""
        carrier = self._carriers.get(index)
        if carrier is None:
            carrier = self._carriers[index] = _Carrier(f"interleave {machine.display_names()[index]}")
        carrier.do(work)

    def dismiss(self, wait: bool) -> None:
        """Let the real threads end, and wait until they have if told to."""
        for carrier in self._carriers.values():
            carrier.orders.put(None)
        for carrier in self._carriers.values() if wait else ():
            carrier.thread.join()


class _Carrier:
    """A real thread that does what it is told, one thing at a time."""

    def __init__(self, name: str) -> None:
        self.orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.reports: SimpleQueue[BaseException | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self.thread.start()
        # A Thread that the program makes here inherits this: it must be the same as on the machine.
        self.thread._daemonic = False  # type: ignore[attr-defined]

    def do(self, work: Callable[[], None]) -> None:
        self.orders.put(work)
        raised = self.reports.get()
        if raised is not None:
            raise raised

    def _serve(self) -> None:
        while (work := self.orders.get()) is not None:
            raised: BaseException | None = None
            try:
                work()
            except BaseException as error:
                raised = error
            self.reports.put(raised)
            del work, raised  # the machine must not outlive its execution because a thread still waits
