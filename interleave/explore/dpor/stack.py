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
from interleave.explore.dpor.turns import Turns, changes
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

_Records = list[dict[Any, tuple[int, tuple[int, ...]]]]
_Undo = list[tuple[dict[Any, tuple[int, tuple[int, ...]]], Any, tuple[int, tuple[int, ...]]]]


class Stack:
    """The events of the execution under way and the nodes between them; one for a whole search.

    `most` is the limit on the steps of an execution, `watch` says what else makes events dependent, `part` which
    part of the program it is.  The lists
    have one entry for each event: `steps` holds its step, of the execution that took it first, and `past` the
    clock of its thread before it.  `sleep` and `known` (how many objects were met) have one for each node.
    `shapers` are the events that may change what others touch.
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
        self._undo: list[_Undo] = []
        self.sleep: list[dict[int, Touches]] = [{}]
        self.known: list[int] = [0]
        self.trees: dict[int, list[Branch]] = {}  # of the nodes where something is still to be done
        self.done: dict[int, int] = {}  # and how many branches are finished
        self.now: dict[int, int] = {}  # the clock of each thread
        self.turns = Turns(self)
        self.spinning: tuple[int, ...] = ()  # the threads that turn for ever in the execution that ended
        self.latest: Run
        self.races: list[tuple[int, int]] = []  # those that the events of the last run brought
        self.found: list[tuple[int, int]] = []  # and those of it that were there before it was interrupted
        self.over, self.yielded, self.spent = False, 0, 0  # whether it was yielded, as which, for how many ideals
        self.records: _Records = []
        # They are called for every event, and looking each of them up would cost as much again.
        columns: tuple[list[Any], ...] = (
            self.path,
            self.key,
            self.steps,
            self.touches,
            self.past,
            self.clock,
            self.sleep,
            self.known,
            self._undo,
        )
        self._appends = tuple([column.append for column in columns])
        self._pops = tuple([column.pop for column in columns])

    # ------------------------------------------------------------ one execution

    def run(self) -> Run:
        """Take the events of the stack again on a new machine, and go on to the end of an execution."""
        self.races, self.found = self.found, []
        self.cut = self.redundant = False
        self.spinning = ()
        run = self.begin()
        machine, kept = run.machine, len(self.path) - 1
        machine.path = list(self.path)
        machine.run(self._again(run))
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

    def _again(self, run: Run) -> Iterator[Choice]:
        """Yield the choices of the stack, then those of the way on."""
        path, threads = list(self.path), run.machine.threads
        at = 0
        for here, fresh in list(self._fresh.items()):
            yield from path[at:here]
            at = here + 1
            mover = path[here] & THREAD
            if fresh & self.BEFORE:
                run.look(threads[mover].pending)
            yield path[here]
            run.after(mover)
        yield from path[at:]
        assert len(run.objects) == self.known[-1], "a replay met other objects"
        yield from self._onward(run)

    def _onward(self, run: Run) -> Iterator[Choice]:
        machine = run.machine
        threads, path, log, objects = machine.threads, machine.path, machine.log, run.objects
        choices: Sequence[Choice]
        look = min(interrupts.EVERY, self.most or 1 << 62)
        while choices := machine.choices():
            if len(path) >= look:
                if self.most is not None and len(path) >= self.most:
                    self.cut = True
                    return
                interrupts.look()
                look = min(len(path) + interrupts.EVERY, self.most or 1 << 62)
            if self.ruled and not (choices := self.rules.allowed(run, choices)):
                return
            if self.turns:
                if not (moving := self.turns.moving(run, choices)):
                    self.spinning = tuple([choice & THREAD for choice in choices])
                    return
                choices = moving
            choice = self._pick(run, choices)
            if choice is None:
                self.redundant = True
                return
            step = threads[choice & THREAD].pending
            met = len(objects)
            touches, shapes = run.look(step)
            fresh = self.BEFORE if len(objects) > met else 0
            path.append(choice)
            yield choice
            if step.__class__ in MAY_FAIL and log[-1] is False:
                touches, shapes = failed(touches), False
            if shapes:
                self.shapers.add(len(self.path))
            self.enter(run, choice, step, touches, fresh)

    def _pick(self, run: Run, choices: Sequence[Choice]) -> Choice | None:
        """Return what to do next: what the wakeup tree says, else what comes first of what does not sleep."""
        node, sleeping = len(self.path), self.sleep[-1]
        tree = self.trees.get(node)
        if tree:
            branch = tree.pop(0)
            choice = run.choice(branch.key)
            assert choice in choices, "a wakeup sequence that cannot be taken"
            if branch.branches:
                self.trees[node + 1] = branch.branches
            return choice
        last = self.path[-1] & THREAD if node else -1
        if sleeping:
            choices = [choice for choice in choices if run.key(choice) not in sleeping]
            if not choices:
                return None
        picked = choices[0] if last not in choices else last
        if picked >> OPTION:  # the other options are tried here too, each on its own
            others = [c for c in choices if c & THREAD == picked & THREAD and c != picked]
            self.trees[node] = [Branch(run.key(choice), ()) for choice in others]
        return picked

    def enter(self, run: Run, choice: Choice, step: Any, touches: Touches, fresh: int) -> None:
        """Put an event that was just taken onto the stack, with the races that it brings."""
        index = choice & THREAD
        who = run.who[index]
        if step.__class__ is Spawn or self.watch.asks:
            kinds = [run.kind_of(place) for place, _, _ in touches]
            touches = self.watch.seen(run.machine, run.machine.threads[index], step, touches, kinds)
        if fresh:
            self._grow(run)
        event = len(self.path)
        if awaited := self.turns.enter(event, who):
            touches = (*touches, *awaited)
        past = self.now.get(who, 0)
        if self.ruled:
            past = self.rules.entered(event, who, past, touches)
        undo: _Undo = []
        clock = self.now[who] = self._happens(past, touches, undo) + (1 << WIDTH * who)
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
        path, key, steps, touched, pasts, clocks, sleep, known, undone = self._appends
        path(choice)
        key(who if choice <= THREAD else who + (choice >> OPTION << OPTION))
        steps(step)
        touched(touches)
        pasts(past)
        clocks(clock)
        sleep(sleeping)
        known(len(run.objects))
        undone(undo)
        if not changes(touches):
            self.turns.look(run.machine.threads[index], run, event)

    def _still_asleep(self, run: Run, sleeping: dict[int, Touches], who: int, touches: Touches) -> dict[int, Touches]:
        """Return those of `sleeping` that an event of thread `who` does not wake."""
        kind_of, place = run.kind_of, touches[0][0] if len(touches) == 1 else None
        still: dict[int, Touches] = {}
        for key, theirs in sleeping.items():
            elsewhere = place is not None and len(theirs) == 1 and theirs[0][0] != place
            if key & THREAD != who and (elsewhere or not dependent(theirs, touches, kind_of)):
                still[key] = theirs
        return still

    def _grow(self, run: Run) -> None:
        while len(self.records) < len(run.objects):
            self.records.append({})
        self.tops = guards(len(self.identities) + 1)

    def _happens(self, past: int, touches: Touches, undo: _Undo) -> int:
        """Note the accesses of the next event, and return the clock of what happens before it; races go to `races`."""
        event = len(self.path)
        found: tuple[int, ...] = ()
        for place, part, writes in touches:
            record = self.records[place]
            before = record.get(part, _NONE)
            undo.append((record, part, before))
            if None in record if part is not None else len(record) > (before is not _NONE):
                parts = record.values() if part is None else (before, record[None])
                earlier = [e for written, read in parts for e in (*(read if writes else ()), written) if e >= 0]
                found = tuple(sorted({*found, *earlier} - {event}))
            else:
                readers = before[1] if writes else ()
                mine = (before[0], *readers)
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
        return self._undo[event][0][2][0]

    # ------------------------------------------------------------ going back

    def back(self) -> bool:
        """Go back to the last node where something is still to be done; return whether there is one."""
        while self.path:
            key, touches = self.key[-1], self.touches[-1]
            node = self._pop()
            if node not in self.trees:
                continue
            if self.trees[node]:
                self.sleep[-1] = {**self.sleep[-1], key: touches}
                self.done[node] = self.done.get(node, 0) + 1
                return True
            del self.trees[node]
            self.done.pop(node, None)
        return False

    def _pop(self) -> int:
        """Drop the last event, and return the number of the node where it was taken."""
        path, key, steps, touched, pasts, clocks, sleep, known, undone = self._pops
        path(), steps(), touched(), clocks(), sleep(), known()
        for record, part, before in reversed(undone()):
            if before is _NONE:
                del record[part]
            else:
                record[part] = before
        who = key() & THREAD
        node = len(self.path)
        past = pasts()
        self.now[who] = past if not self.ruled else self.rules.left(node, past)
        self.turns.leave(node, who)
        if node in self._fresh:
            del self._fresh[node]
            del self.records[self.known[-1] :]
        self.shapers.discard(node)
        return node

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
