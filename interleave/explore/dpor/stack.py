"""The execution under way, event by event, with all that going back needs.

To the events it adds, for each node, where an event was taken, the threads that sleep there and the wakeup tree of
what is still to be done.  Going back undoes the last events only; the machine itself is made anew and told to take the
remaining ones again.

Read next: `races`, which reads this; `run` for threads and objects, `events` for what happens before what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from interleave import interrupts
from interleave.explore.dpor.clocks import WIDTH, guards
from interleave.explore.dpor.edges import Rules
from interleave.explore.dpor.events import Events
from interleave.explore.dpor.run import Identities, Run
from interleave.explore.dpor.splitting import Part
from interleave.explore.dpor.turns import Turns
from interleave.explore.dpor.wakeup import THREAD, Branch, Touches, dependent
from interleave.explore.dpor.watch import Watch
from interleave.machine import Choice
from interleave.scenario import Program
from interleave.steps import Choose, CompareAndSet, Spawn, TryAcquire
from interleave.trace import OPTION

MAY_FAIL: Final = frozenset({CompareAndSet, TryAcquire})
"""The steps that only read if they fail."""


class Stack(Events):
    """The events of the execution under way and the nodes between them; one for a whole search.

    `most` is the limit on the steps of an execution, `watch` says what else makes events dependent, `part` which
    part of the program it is.  `path` is that of the machine: while a step is being taken, it is one longer than the
    columns.  `sleep` has an entry for each node; `shapers` are the events that may change what others touch.
    """

    BEFORE, AFTER = 1, 2

    def __init__(self, program: Program, most: int | None, watch: Watch, part: Part | None = None) -> None:
        self.program, self.most, self.watch = program, most, watch
        self.identities = Identities(len(program.plans)) if part is None else part.identities
        super().__init__(len(self.identities))
        self.ruled = part is not None
        self.rules = Rules(() if part is None else part.edges, self)
        self.turns = Turns(self)
        self.cut = self.redundant = False
        self.path: list[Choice] = []
        self.log: list[Any] = []
        self.sleep: list[dict[int, Touches]] = [{}]
        self.shapers: set[int] = set()
        self._fresh: dict[int, int] = {}  # events by whose touches, or whose threads' next steps, objects were met
        self.trees: dict[int, list[Branch]] = {}  # of the nodes where something is still to be done
        self.done: dict[int, int] = {}  # and how many branches are finished
        self.spinning: tuple[int, ...] = ()  # the threads that turn for ever in the execution that ended
        self.latest: Run
        self.found: list[tuple[int, int]] = []  # races of the last run that were there before it was interrupted
        self.over, self.yielded, self.spent = False, 0, 0  # whether it was yielded, as which, for how many ideals

    # ------------------------------------------------------------ one execution

    def run(self) -> Run:
        """Take the events of the stack again on a new machine, and go on to the end of an execution."""
        self.races, self.found = self.found, []
        self.cut = self.redundant = False
        self.spinning = ()
        run = self.begin()
        machine, kept = run.machine, len(self.path) - 1
        self._again(run)
        machine.run(self._onward(run))
        if kept > 0 and machine.log[:kept] != self.log[:kept]:
            machine.differs(self.log[:kept])
        self.log = machine.log
        return run

    def begin(self) -> Run:
        """Begin an execution."""
        run = self.latest = Run(self.program, self.identities, self.watch.reserved)
        run.machine.path = self.path
        if self.watch.asks:
            self.watch.begin(run.machine)
            if not self.done:  # what is learnt before the first step is learnt in time
                self.watch.grown = False
        if not self.path:
            self._grow(run)
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
        assert len(run.objects) == len(self.records), "a replay met other objects"

    def _onward(self, run: Run) -> Iterator[Choice]:
        """Yield what to do next until the execution is over; each choice is on the stack when the next is asked for.

        A search spends more of its time here than anywhere else.  So what nearly all events are, a step that can be
        taken and is known at a glance, is put on the stack here, and only what is odd by `enter`, the slow twin.
        """
        threads, path, who, waits = run.machine.threads, self.path, run.who, self.turns.waits
        trees, sleep, accesses, keys, rows = self.trees, self.sleep, self.accesses, self.key, self.rows
        steps, touched, clocks = self.steps, self.touches, self.clock
        glance, look = self._glance(run), min(interrupts.EVERY, self.most or 1 << 62)
        choice, node, mine = path[-1] & THREAD if path else -1, len(path), -1
        touches: Touches | None = None
        while True:
            if node >= look:
                look = self._look(run, node)
                if not look:
                    return
            # Mostly the thread that moved goes on, and then nobody needs to know what the others could do.
            if touches is None or node in trees or waits or mine in sleep[node]:
                choice = self._next(run, choice)
                if choice < 0:
                    return
                thread, mine = threads[choice & THREAD], who[choice & THREAD]
                touches = glance(thread.pending) if not waits else None
                if touches is None:
                    yield from self._take(run, choice, thread.pending)
                    glance, choice, node = self._glance(run), choice & THREAD, node + 1
                    continue
                chain = self.chains.setdefault(mine, [])
                own, past, one = chain[-1] if chain else -1, self.now(mine), 1 << WIDTH * mine
                known = len(self.records)
            step = thread.pending
            path.append(choice)
            yield choice
            clock, undo = accesses(node, past, touches)
            clock += one
            keys.append(mine)
            steps.append(step)
            touched.append(touches)
            clocks.append(clock)
            rows.append((past, own, known, undo))
            chain.append(node)
            sleep.append(self._still_asleep(run, sleep[node], mine, touches) if sleep[node] else sleep[node])
            reads = own >= 0 and not (touches and touches[0][2])
            touches = glance(thread.pending)
            if touches is None and not run.knows(thread.pending):
                self._meet(run, choice, clock, node, 0)
            if reads:
                self.turns.look(thread, run, node)
            own, past = node, clock
            node += 1

    def _look(self, run: Run, node: int) -> int:
        """See whether to stop, and return at which node to see again; 0 where the limit on steps is reached."""
        if self.most is not None and node >= self.most:
            self.cut = bool(run.machine.choices())
            return 0
        interrupts.look()
        return min(node + interrupts.EVERY, self.most or 1 << 62)

    def _glance(self, run: Run) -> Callable[[Any], Touches | None]:
        """Return what tells the touches of a step that is nothing special; None of a step that is."""
        is_odd = self.watch.asks or (self.ruled and not self.rules.have_both())
        return run.glance if not is_odd else lambda step: None

    def _next(self, run: Run, last: Choice) -> Choice:
        """Return what to do next, after the thread `last` has moved; -1 where the execution ends."""
        node, machine = len(self.path), run.machine
        is_free = last >= 0 and not (node in self.trees or self.turns.waits or self.ruled)
        if is_free and run.who[last] not in self.sleep[node] and machine.can(last):
            return last
        picked = self._pick(run)
        return -1 if picked is None else picked

    def _take(self, run: Run, choice: Choice, step: Any) -> Iterator[Choice]:
        """Yield `choice`, by which any `step` is taken, and put its event onto the stack."""
        met = len(run.objects)
        touches, shapes = run.look(step)
        fresh = self.BEFORE if len(run.objects) > met else 0
        self.path.append(choice)
        yield choice
        self.enter(run, choice, step, touches, shapes, fresh)

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
        last = self.path[-1] & THREAD if node else -1
        if not (self.ruled or self.turns.waits):
            awake = self._awake(run, last)
            if awake >= 0:
                return awake
        choices = self._moving(run)
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

    def _awake(self, run: Run, last: Choice) -> Choice:
        """Return the first choice of a thread that does not sleep, `last` before all others; -1 if that takes more."""
        machine, who, sleeping = run.machine, run.who, self.sleep[-1]
        if last >= 0 and who[last] not in sleeping and machine.can(last):
            return last
        for thread in machine.threads:
            if thread.pending is not None and who[thread.index] not in sleeping:
                if machine.can(thread.index):
                    return thread.index
                if thread.pending.__class__ is Choose:
                    return -1
        return -1

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

    def enter(self, run: Run, choice: Choice, step: Any, touches: Touches, shapes: bool, fresh: int) -> None:
        """Put an event that was just taken onto the stack, with the races that it brings.

        `touches` is what its step was going to touch, and `shapes` whether it was going to change what others touch.
        """
        thread = run.machine.threads[choice & THREAD]
        who, node = run.who[thread.index], len(self.key)
        if step.__class__ in MAY_FAIL and run.machine.log[-1] is False:
            touches, shapes = failed(touches), False
        if shapes:
            self.shapers.add(node)
        if step.__class__ is Spawn or self.watch.asks:
            kinds = [run.kind_of(place) for place, _, _ in touches]
            touches = self.watch.seen(run.machine, thread, step, touches, kinds)
        known = len(self.records)
        if fresh:
            self._grow(run)
        tail, past = self.chains[who][-1] if self.chains.get(who) else -1, self.now(who)
        if tail in self.turns.waits:
            touches = (*touches, *self.turns.woke(node, tail))
        if self.ruled:
            past = self.rules.entered(node, who, past, touches)
        key = who if choice <= THREAD else who + (choice >> OPTION << OPTION)
        clock, own = self.add(key, step, touches, past, known)
        sleeping = self.sleep[node]
        self.sleep.append(self._still_asleep(run, sleeping, who, touches) if sleeping else sleeping)
        if fresh or not run.knows(thread.pending):
            self._meet(run, thread.index, clock, node, fresh)
        if own >= 0 and not (touches and touches[0][2]):
            self.turns.look(thread, run, node)

    def _meet(self, run: Run, index: int, clock: int, node: int, fresh: int) -> None:
        """Note what came into sight after the event at `node`; `fresh` says whether anything did before it."""
        children = len(run.who)
        if run.after(index):
            fresh |= self.AFTER
            self._grow(run)
            for child in run.who[children:]:
                self.starts[child] = clock
        if fresh:
            self._fresh[node] = fresh

    def _still_asleep(self, run: Run, sleeping: dict[int, Touches], who: int, touches: Touches) -> dict[int, Touches]:
        """Return those of `sleeping` that an event of thread `who` does not wake."""
        place, kind_of, woken = touches[0][0] if len(touches) == 1 else None, run.kind_of, []
        for key, theirs in sleeping.items():
            elsewhere = place is not None and len(theirs) == 1 and theirs[0][0] != place
            if key & THREAD == who or not (elsewhere or not dependent(theirs, touches, kind_of)):
                woken.append(key)
        return {key: theirs for key, theirs in sleeping.items() if key not in woken} if woken else sleeping

    def _grow(self, run: Run) -> None:
        while len(self.records) < len(run.objects):
            self.records.append({})
        self.tops = guards(len(self.identities) + 1)

    # ------------------------------------------------------------ going back

    def back(self) -> bool:
        """Go back to the last node where something is still to be done; return whether there is one."""
        for node in sorted(self.trees, reverse=True):
            if node >= len(self.path):
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
        """Go back to `node`."""
        for event in range(len(self.key) - 1, node - 1, -1) if self.ruled else ():
            self.rules.left(event)
        if node < len(self.key):
            self.drop(node)
        self.turns.leave(node)
        if self.shapers:
            self.shapers.difference_update([event for event in self.shapers if event >= node])
        # The list itself belongs to the trace of the execution.
        self.path = self.path[:node]
        del self.sleep[node + 1 :]
        while self._fresh and next(reversed(self._fresh)) >= node:
            self._fresh.popitem()

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
