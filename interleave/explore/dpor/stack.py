"""The execution under way, event by event, with all that going back needs.

For each event it keeps what the event touched and which events happen before it; for each node, where the event
was taken, the threads that sleep there and the wakeup tree of what is still to be done.  Going back undoes the
last events only; the machine itself is made anew and told to take the remaining ones again.

Read next: `races`, which reads this; `run` for threads and objects, `clocks` for what happens before what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from interleave import interrupts
from interleave.explore.dpor.clocks import FIELD, WIDTH, guards, merged
from interleave.explore.dpor.edges import Rules
from interleave.explore.dpor.run import Identities, Run
from interleave.explore.dpor.splitting import Part
from interleave.explore.dpor.turns import Turns
from interleave.explore.dpor.wakeup import THREAD, Branch, Touches, dependent
from interleave.explore.dpor.watch import Watch
from interleave.machine import Choice
from interleave.scenario import Program
from interleave.steps import CompareAndSet, Spawn, TryAcquire
from interleave.trace import OPTION

MAY_FAIL: Final = frozenset({CompareAndSet, TryAcquire})
"""The steps that only read if they fail."""

_NONE: Final[tuple[int, tuple[int, ...]]] = (-1, ())
"""Of a part of an object: the last event that wrote it, and those that have read it since."""

_Accesses = tuple[int, tuple[int, ...]]
_Record = dict[Any, _Accesses]


class Stack:
    """The events of the execution under way and the nodes between them; one for a whole search.

    `most` is the limit on the steps of an execution, `watch` says what else makes events dependent, `part` which
    part of the program it is.  The lists have one entry for each event: `steps` holds its step, of the execution that
    took it first, `past` the clock of its thread before it, `own` the event of the same thread before, -1 for none.
    `sleep` and `known` (how many objects were met) have one for each node.  `shapers` are the events that may change
    what others touch.
    """

    BEFORE, AFTER = 1, 2

    def __init__(self, program: Program, most: int | None, watch: Watch, part: Part | None = None) -> None:
        self.program, self.most, self.watch = program, most, watch
        self.identities = Identities(len(program.plans)) if part is None else part.identities
        self.ruled = part is not None
        self.rules = Rules(() if part is None else part.edges, self)
        self.tops = guards(len(self.identities) + 1)
        self.cut = self.redundant = False
        self.path: list[Choice] = []
        self.log: list[Any] = []
        self.key: list[int] = []
        self.steps: list[Any] = []
        self.touches: list[Touches] = []
        self.past: list[int] = []
        self.clock: list[int] = []
        self.shapers: set[int] = set()
        self._fresh: dict[int, int] = {}  # events by whose touches, or whose threads' next steps, objects were met
        self.own: list[int] = []
        self._marks: list[int] = []  # of each event, where in `_undo` it begins
        self._undo: list[tuple[_Record, Any, _Accesses]] = []  # what was there before each access
        self.sleep: list[dict[int, Touches]] = [{}]
        self.known: list[int] = [0]
        self.trees: dict[int, list[Branch]] = {}  # of the nodes where something is still to be done
        self.done: dict[int, int] = {}  # and how many branches are finished
        self.now: dict[int, int] = {}  # the clock of each thread
        self.tail: dict[int, int] = {}  # and its last event
        self.turns = Turns(self)
        self.spinning: tuple[int, ...] = ()  # the threads that turn for ever in the execution that ended
        self.latest: Run
        self.races: list[tuple[int, int]] = []  # those that the events of the last run brought
        self.found: list[tuple[int, int]] = []  # and those of it that were there before it was interrupted
        self.over, self.yielded, self.spent = False, 0, 0  # whether it was yielded, as which, for how many ideals
        self.records: list[_Record] = []
        columns = (self.path, self.key, self.steps, self.touches, self.past, self.clock, self.own, self._marks)
        self._columns: tuple[list[Any], ...] = columns

    # ------------------------------------------------------------ one execution

    def run(self) -> Run:
        """Take the events of the stack again on a new machine, and go on to the end of an execution."""
        self.races, self.found = self.found, []
        self.cut = self.redundant = False
        self.spinning = ()
        run = self.begin()
        machine, kept = run.machine, len(self.path) - 1
        machine.path = list(self.path)
        self._again(run)
        machine.run(self._onward(run))
        if kept > 0 and machine.log[:kept] != self.log[:kept]:
            machine.differs(self.log[:kept])
        self.log = machine.log
        return run

    def begin(self) -> Run:
        """Begin an execution."""
        run = self.latest = Run(self.program, self.identities, self.watch.reserved)
        if self.watch.asks:
            self.watch.begin(run.machine)
            if not self.done:  # what is learnt before the first step is learnt in time
                self.watch.grown = False
        if not self.path:
            self._grow(run)
            self.known[0] = len(run.objects)
        return run

    def _again(self, run: Run) -> None:
        """Take the events of the stack again, and meet what they met."""
        path, machine = self.path, run.machine
        at = 0
        for here, fresh in self._fresh.items():
            mover = path[here] & THREAD
            if fresh & self.BEFORE:
                machine.run(path[at:here])
                at = here
                run.look(machine.threads[mover].pending)
            machine.run(path[at : here + 1])
            at = here + 1
            run.after(mover)
        machine.run(path[at:])
        assert len(run.objects) == self.known[-1], "a replay met other objects"

    def _onward(self, run: Run) -> Iterator[Choice]:
        """Yield what to do next until the execution is over; each choice is on the stack when the next is asked for."""
        machine, objects, who, trees, sleep = run.machine, run.objects, run.who, self.trees, self.sleep
        threads, path, log, waits = machine.threads, machine.path, machine.log, self.turns.waits
        look = min(interrupts.EVERY, self.most or 1 << 62)
        last = path[-1] & THREAD if path else None
        while True:
            node = len(path)
            if node >= look:
                if self.most is not None and node >= self.most:
                    self.cut = bool(machine.choices())
                    return
                interrupts.look()
                look = min(node + interrupts.EVERY, self.most or 1 << 62)
            # Mostly the thread that moved goes on, and then nobody needs to know what the others could do.
            if last is None or node in trees or waits or self.ruled or who[last] in sleep[-1] or not machine.can(last):
                choice = self._pick(run)
                if choice is None:
                    return
                last = choice & THREAD
            else:
                choice = last
            step, met = threads[last].pending, len(objects)
            touches, shapes = run.look(step)
            fresh = self.BEFORE if len(objects) > met else 0
            path.append(choice)
            yield choice
            if step.__class__ in MAY_FAIL and log[-1] is False:
                touches, shapes = failed(touches), False
            if shapes:
                self.shapers.add(node)
            self.enter(run, choice, step, touches, fresh)

    def _pick(self, run: Run) -> Choice | None:
        """Return what to do next: what the wakeup tree says, else what comes first of what does not sleep.

        None where the execution ends, by itself or because nothing is left that this search is to do.
        """
        node, sleeping = len(self.path), self.sleep[-1]
        tree = self.trees.get(node)
        if tree:
            branch = tree.pop(0)
            choice = run.choice(branch.key)
            assert self._is_allowed(run, choice), "a wakeup sequence that cannot be taken"
            if branch.branches:
                self.trees[node + 1] = branch.branches
            return choice
        choices = self._moving(run)
        last = self.path[-1] & THREAD if node else -1
        if sleeping and choices:
            choices = [choice for choice in choices if run.key(choice) not in sleeping]
            self.redundant = not choices
        if not choices:
            return None
        picked = choices[0] if last not in choices else last
        if picked >> OPTION:  # the other options are tried here too, each on its own
            others = [c for c in choices if c & THREAD == picked & THREAD and c != picked]
            self.trees[node] = [Branch(run.key(choice), ()) for choice in others]
        return picked

    def _is_allowed(self, run: Run, choice: Choice) -> bool:
        if self.ruled or self.turns.waits:
            return choice in self._moving(run)
        return run.machine.can(choice)

    def _moving(self, run: Run) -> Sequence[Choice]:
        """Return the choices that no rule forbids, and of threads that do not wait in a loop."""
        choices: Sequence[Choice] = run.machine.choices()
        if choices and self.ruled:
            choices = self.rules.allowed(run, choices)
        if choices and self.turns.waits:
            moving = self.turns.moving(run, choices)
            self.spinning = () if moving else tuple([choice & THREAD for choice in choices])
            return moving
        return choices

    def enter(self, run: Run, choice: Choice, step: Any, touches: Touches, fresh: int) -> None:
        """Put an event that was just taken onto the stack, with the races that it brings."""
        index = choice & THREAD
        who = run.who[index]
        if step.__class__ is Spawn or self.watch.asks:
            kinds = [run.kind_of(place) for place, _, _ in touches]
            touches = self.watch.seen(run.machine, run.machine.threads[index], step, touches, kinds)
        if fresh:
            self._grow(run)
        event, own = len(self.path), self.tail.get(who, -1)
        if own in self.turns.waits:
            touches = (*touches, *self.turns.woke(event, own))
        past = self.now.get(who, 0)
        if self.ruled:
            past = self.rules.entered(event, who, past, touches)
        self._marks.append(len(self._undo))
        clock = self.now[who] = self._happens(event, past, touches) + (1 << WIDTH * who)
        sleeping = self.sleep[-1]
        if sleeping:
            sleeping = self._still_asleep(run, sleeping, who, touches)
        children = len(run.who)
        if run.after(index):
            fresh |= self.AFTER
            self._grow(run)
            for child in run.who[children:]:
                self.now[child] = clock
        if fresh:
            self._fresh[event] = fresh
        self.tail[who] = event
        self.path.append(choice)
        self.key.append(who if choice <= THREAD else who + (choice >> OPTION << OPTION))
        self.steps.append(step)
        self.touches.append(touches)
        self.past.append(past)
        self.clock.append(clock)
        self.own.append(own)
        self.sleep.append(sleeping)
        self.known.append(len(run.objects))
        if own >= 0 and not (touches and touches[0][2]):
            self.turns.look(run.machine.threads[index], run, event)

    def _still_asleep(self, run: Run, sleeping: dict[int, Touches], who: int, touches: Touches) -> dict[int, Touches]:
        """Return those of `sleeping` that an event of thread `who` does not wake."""
        kind_of, place = run.kind_of, touches[0][0] if len(touches) == 1 else None
        woken = []
        for key, theirs in sleeping.items():
            elsewhere = place is not None and len(theirs) == 1 and theirs[0][0] != place
            if key & THREAD == who or not (elsewhere or not dependent(theirs, touches, kind_of)):
                woken.append(key)
        return {key: theirs for key, theirs in sleeping.items() if key not in woken} if woken else sleeping

    def _grow(self, run: Run) -> None:
        while len(self.records) < len(run.objects):
            self.records.append({})
        self.tops = guards(len(self.identities) + 1)

    def _happens(self, event: int, past: int, touches: Touches) -> int:
        """Note the accesses of the next event, and return the clock of what happens before it; races go to `races`."""
        found: tuple[int, ...] = ()
        for place, part, writes in touches:
            record = self.records[place]
            before = record.get(part, _NONE)
            self._undo.append((record, part, before))
            if None in record if part is not None else len(record) > (before is not _NONE):
                parts = record.values() if part is None else (before, record[None])
                earlier = [e for written, read in parts for e in (*(read if writes else ()), written) if e >= 0]
                found = tuple(sorted({*found, *earlier} - {event}))
            else:
                mine = (before[0], *before[1]) if writes else before[:1]
                found = tuple(sorted({*found, *mine} - {event})) if found else mine
            record[part] = (event, ()) if writes else (before[0], self._readers(before[1], event))
        clock, keys, clocks = past, self.key, self.clock
        for other in reversed(found):
            if other < 0:
                break
            shift, theirs = WIDTH * (keys[other] & THREAD), clocks[other]
            if (clock >> shift) & FIELD < (theirs >> shift) & FIELD:
                self.races.append((other, event))
                clock = merged(clock, theirs, self.tops)
        return clock

    def _readers(self, readers: tuple[int, ...], event: int) -> tuple[int, ...]:
        if len(readers) > len(self.now):  # only the last one of each thread can be in a race
            readers = tuple(
                sorted({self.key[reader] & THREAD: reader for reader in readers if reader < event}.values())
            )
        return (*readers, event)

    def position(self, event: int) -> int:
        """Return the how-manieth event of its thread `event` is, from 1."""
        return (self.clock[event] >> WIDTH * (self.key[event] & THREAD)) & FIELD

    def is_in(self, clock: int, event: int) -> bool:
        """Return whether `event` is among those that `clock` counts."""
        shift = WIDTH * (self.key[event] & THREAD)
        return (clock >> shift) & FIELD >= (self.clock[event] >> shift) & FIELD

    def written_before(self, event: int) -> int:
        """Return the last event before `event` that wrote the one place that it touches, -1 if there is none."""
        return self._undo[self._marks[event]][2][0]

    # ------------------------------------------------------------ going back

    def back(self) -> bool:
        """Go back to the last node where something is still to be done; return whether there is one."""
        for node in range(len(self.path) - 1, -1, -1):
            if node not in self.trees:
                continue
            if self.trees[node]:
                key, touches = self.key[node], self.touches[node]
                self._drop(node)
                self.sleep[-1] = {**self.sleep[-1], key: touches}
                self.done[node] = self.done.get(node, 0) + 1
                return True
            del self.trees[node]
            self.done.pop(node, None)
        self._drop(0)
        return False

    def _drop(self, node: int) -> None:
        """Drop the events from `node` on, the last first."""
        if node == len(self.path):
            return
        mark = self._marks[node]
        for record, part, before in reversed(self._undo[mark:]):
            if before is _NONE:
                del record[part]
            else:
                record[part] = before
        del self._undo[mark:]
        keys, pasts, own, now, tail = self.key, self.past, self.own, self.now, self.tail
        for event in range(len(keys) - 1, node - 1, -1):
            who = keys[event] & THREAD
            now[who] = pasts[event] if not self.ruled else self.rules.left(event, pasts[event])
            tail[who] = own[event]
        self.turns.leave(node)
        self.shapers.difference_update([event for event in self.shapers if event >= node])
        for column in self._columns:
            del column[node:]
        del self.sleep[node + 1 :], self.known[node + 1 :]
        while self._fresh and next(reversed(self._fresh)) >= node:
            self._fresh.popitem()
            del self.records[self.known[-1] :]

    def share(self) -> float:
        """Return the share of the search tree that is behind, if all branches that are known were of equal weight.

        An estimate: the weights are not equal, and races that are still to be found add branches.

        Reference: D. E. Knuth, "Estimating the efficiency of backtrack programs", Mathematics of Computation 29, 1975.
        """
        behind, weight = 0.0, 1.0
        for node in sorted({*self.trees, *self.done}):
            done = self.done.get(node, 0)
            weight /= done + 1 + len(self.trees.get(node, ()))
            behind += weight * done
        return behind


def failed(touches: Touches) -> Touches:
    """Return what a step that may fail touches when it does: it only reads."""
    return tuple([(place, part, False) for place, part, _ in touches])
