"""From the races of an execution to the sequences that reverse them.

A race is a pair of events of two threads that depend on each other, with nothing between them that forces the
order.  To reverse it, the later one has to come before the earlier one, together with what does not happen after
the earlier one.  That sequence goes into the wakeup tree of the node before the earlier event, unless a thread
that sleeps there, or a branch of the tree, covers it already.

Where the textbook asks this again for every race of every execution, most answers cannot change as long as both
events stay on the stack: those races are *settled*.  The others are *open* and asked again.  `textbook=True`
settles nothing; the tests hold the two against each other.

Reference: P. Abdulla, S. Aronis, B. Jonsson and K. Sagonas, "Optimal dynamic partial order reduction", POPL 2014.
It differs here in that a step that blocks (an acquire, a join, an await) races with the event before which
it was last possible, and not with the one that made it possible.

Read next: `wakeup`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from interleave import interrupts
from interleave.effects import WHOLE
from interleave.explore.dpor import probes
from interleave.explore.dpor.clocks import FIELD, WIDTH, merged
from interleave.explore.dpor.run import Run
from interleave.explore.dpor.stack import MAY_FAIL, Stack
from interleave.explore.dpor.wakeup import THREAD, Branch, Touches, dependent, unseen
from interleave.explore.dpor.watch import ALIVE
from interleave.locks import LOCK
from interleave.recording import End
from interleave.steps import Acquire, Await, Choose, Join, Release, Spawn
from interleave.trace import OPTION

BLOCKING: Final = frozenset({Acquire, Join, Await})
"""The steps that cannot be taken at all times."""

_REJECTED, _ACCEPTED, _UNDECIDED = range(3)


Pending: TypeAlias = tuple[int, Any, Touches]
"""A thread by its number, the step that it has not taken, and what that would touch."""


class Races:
    """Reverses the races of each execution of one search; those that are `open` are asked again after the next."""

    def __init__(self, stack: Stack, textbook: bool = False) -> None:
        self._stack = stack
        self._textbook = textbook
        self.open: list[tuple[int, int]] = []
        self._moved: tuple[int, Touches, int] = (-1, (), 0)  # the later event of a race: what it is when it comes first

    def forget(self) -> None:
        """Drop the races whose later event has left the stack."""
        length = len(self._stack.path)
        while self.open and self.open[-1][1] >= length:
            self.open.pop()

    def reverse_all(self, pending: Sequence[Pending]) -> None:
        """Put into the wakeup trees what reverses the races of the execution that ended just now.

        `pending` are the steps that nobody took any more.  Other executions may be run on the way, so whatever is to
        be known of this one, its outcome above all, must be known before: a program's globals are those of all.
        """
        self.open = [race for race in [*self.open, *self._stack.races] if self._reverse(*race)]
        for who, step, touches in pending:
            self._reverse_pending(who, step, touches)

    # ------------------------------------------------------------ steps that nobody can take any more

    def pending(self, run: Run) -> list[Pending]:
        """Return the steps that nobody can take any more, now that the execution is over."""
        daemons = self._stack.watch.daemons and not run.machine.choices()
        found: list[Pending] = []
        for thread in run.machine.threads:
            step = thread.pending
            if step is None or not (step.__class__ in BLOCKING or (daemons and thread.daemon)):
                continue
            ends: Touches = ((ALIVE, WHOLE, False),) if daemons and thread.daemon else ()
            touches = run.touches(step)
            seen = self._stack.watch.observed(touches, [run.kind_of(place) for place, _, _ in touches])
            found.append((run.who[thread.index], step, (*seen, *ends)))
        return found

    def _reverse_pending(self, who: int, step: Any, touches: Touches) -> None:
        """Reverse what keeps thread `who` from `step`: the execution is over, and it has not taken it."""
        stack = self._stack
        options = range(1, len(step.options) + 1) if step.__class__ is Choose else (0,)
        event, past = len(stack.path), stack.now(who)
        for option in options:
            self._push(event, who + (option << OPTION), step, touches, past)
            last = next(self._conflicting(event, event - 1), None)
            if last is not None:
                self._reverse(last, event)
            self._drop()

    def _push(self, event: int, key: int, step: Any, touches: Touches, past: int) -> None:
        stack = self._stack
        stack.key.append(key)
        stack.steps.append(step)
        stack.touches.append(touches)
        stack.rows.append((past, -1, 0, ()))
        stack.clock.append(past + (1 << WIDTH * (key & THREAD)))
        stack.chains.setdefault(key & THREAD, []).append(event)

    def _drop(self) -> None:
        stack = self._stack
        stack.chains[stack.key[-1] & THREAD].pop()
        for column in (stack.key, stack.steps, stack.touches, stack.rows, stack.clock):
            column.pop()

    # ------------------------------------------------------------ one race

    def _reverse(self, earlier: int, later: int) -> bool:
        """Reverse one race if it can be, and return whether it has to be asked again after the next execution."""
        stack = self._stack
        interrupts.look()
        is_new, blocks = later == len(stack.path), self._blocks(later)
        if blocks or is_new:
            found = self._opening(earlier, later)
            if found is None:
                return self._textbook and not is_new
            earlier = found
        part = self._not_after(earlier, earlier + 1, min(later, len(stack.path)))
        self._moved = (later, stack.touches[later], stack.clock[later])
        if blocks or stack.shapers or stack.steps[later].__class__ in MAY_FAIL:
            self._move(earlier, later, part)
        part.append(later)
        rest: Sequence[int] | None = None
        if self._textbook:
            rest = self._not_after(earlier, later + 1, len(stack.path))
        answer = _ACCEPTED
        if stack.sleep[earlier]:
            answer, rest = self._asleep(earlier, part, rest)
        if answer is _ACCEPTED:
            answer = self._insert(earlier, part, rest)
            if answer is _UNDECIDED:
                rest = self._not_after(earlier, later + 1, len(stack.path))
                self._insert(earlier, part, rest)
        return rest is not None

    def _not_after(self, earlier: int, start: int, end: int) -> list[int]:
        """Return the events from `start` to before `end` that do not happen after `earlier`."""
        stack = self._stack
        clocks, shift = stack.clock, WIDTH * (stack.key[earlier] & THREAD)
        position = (clocks[earlier] >> shift) & FIELD
        return [event for event in range(start, end) if (clocks[event] >> shift) & FIELD < position]

    def _move(self, earlier: int, later: int, part: Sequence[int]) -> None:
        """Settle what `later` touches, and what happens before it, when it comes after `part` and before `earlier`."""
        stack = self._stack
        touches, clock = stack.touches[later], stack.clock[later]
        kind = stack.steps[later].__class__
        again = kind in MAY_FAIL or (earlier in stack.shapers and hasattr(stack.steps[later], "name"))
        if again:
            probed = probes.touched_first(stack, earlier, part, later)
            touches = touches if probed is None else probed
        if self._is_plain(later):
            # Every other event of the lock happens after `earlier`, so none of them is in `part`.
            clock = stack.past(later) + (1 << WIDTH * (stack.key[later] & THREAD))
        elif again or self._blocks(later):
            clock = stack.past(later)
            for event in part:
                if dependent(stack.touches[event], touches, self._kind_of):
                    clock = merged(clock, stack.clock[event], stack.tops)
            clock += 1 << WIDTH * (stack.key[later] & THREAD)
        self._moved = (later, touches, clock)

    def _kind_of(self, place: int) -> type:
        return self._stack.latest.kind_of(place)

    # ------------------------------------------------------------ steps that block

    def _opening(self, earlier: int, later: int) -> int | None:
        """Return the last event, from `earlier` back, before which `later` was possible; None if it cannot come first.

        `earlier` conflicts with `later`; so does every event that is looked at.
        """
        stack = self._stack
        past = stack.past(later)
        if self._is_plain(later):
            while earlier >= 0 and not stack.is_in(past, earlier):
                if self._was_free(earlier):
                    return earlier
                earlier = stack.written_before(earlier)
            return None
        if later in stack.turns.woken:
            return self._change(earlier, later)
        for event in self._writers(earlier, later):
            if stack.is_in(past, event):
                return None
            if self._possible(event, later):
                return event
        return None

    def _change(self, earlier: int, later: int) -> int | None:
        """Return the last change but one of what `later` waited for in a loop: the first one is what let it go on."""
        stack = self._stack
        past = stack.past(later)
        changes = [event for event in self._writers(earlier, later) if not stack.is_in(past, event)]
        return changes[0] if len(changes) > 1 else None

    def _blocks(self, later: int) -> bool:
        return self._stack.steps[later].__class__ in BLOCKING or later in self._stack.turns.woken

    def _is_plain(self, later: int) -> bool:
        """Return whether `later` acquires a lock that only its own steps touch, one write after the other."""
        stack = self._stack
        step = stack.steps[later]
        return step.__class__ is Acquire and step.lock.__class__ is LOCK and not stack.watch.asks

    def _was_free(self, event: int) -> bool:
        """Return whether the plain lock that `event` touches was free before it.

        Only a release finds it taken, unless it raises.  A failed try does too, but then a release follows, and that
        is what is looked at first.
        """
        stack = self._stack
        return stack.steps[event].__class__ is not Release or stack.log[event] is not None

    def _writers(self, earlier: int, later: int) -> Iterator[int]:
        """Yield `earlier`, and then the events back to the first that write what `later` touches."""
        yield earlier
        stack = self._stack
        if len(stack.touches[later]) > 1 or stack.touches[later][0][1] is not WHOLE:
            yield from self._conflicting(later, earlier - 1)
            return
        while len(stack.touches[earlier]) == 1:  # as of a lock: each write knows the one before it
            earlier = stack.written_before(earlier)
            if earlier < 0:
                return
            yield earlier
        yield from self._conflicting(later, earlier - 1)

    def _conflicting(self, later: int, start: int) -> Iterator[int]:
        """Yield the events from `start` back to the first that write what `later` touches."""
        stack = self._stack
        touches = stack.touches[later]
        for event in range(start, -1, -1):
            writes = tuple([touch for touch in stack.touches[event] if touch[2]])
            if writes and dependent(writes, touches, self._kind_of):
                yield event

    def _possible(self, event: int, later: int) -> bool:
        """Return whether `later` was possible just before `event`, which conflicts with it."""
        stack = self._stack
        if not any(writes for _, _, writes in stack.touches[event]):
            return True  # an event that changes nothing did not make it possible
        step, kind = stack.steps[later], stack.steps[event].__class__
        # Another thread's end or start conflicts with a join as well, where there are daemons.
        if step.__class__ is Join and stack.touches[event][0][0] == stack.touches[later][0][0]:
            if kind is End:
                return False
            if kind is Spawn and stack.log[event] is not RuntimeError:
                return True  # to join a thread that was not started is an error, and not a wait
        part = self._not_after(event, event + 1, min(later, len(stack.path)))
        return probes.touched_first(stack, event, part, later) is not None

    # ------------------------------------------------------------ what covers a sequence already

    def _first(self, thread: int, among: Sequence[int]) -> int | None:
        keys = self._stack.key
        for event in among:
            if keys[event] & THREAD == thread:
                return event
        return None

    def _initial(self, event: int, among: Sequence[int]) -> bool:
        """Return whether nothing of `among` happens before `event`, which is one of them."""
        if among[0] == event:
            return True
        stack = self._stack
        keys, clocks = stack.key, stack.clock
        later, _, moved_clock = self._moved
        clock = moved_clock if event == later else clocks[event]
        for other in among:
            if other == event:
                return True
            shift = WIDTH * (keys[other] & THREAD)
            if (clock >> shift) & FIELD >= (clocks[other] >> shift) & FIELD:
                return False
        return True

    def _independent(self, touches: Touches, among: Sequence[int]) -> bool:
        """Return whether an event with these touches commutes with each of `among`."""
        later, moved, _ = self._moved
        of = self._stack.touches
        if len(touches) != 1 or touches[0][0].__class__ is not int:
            return not any(dependent(touches, moved if event == later else of[event], self._kind_of) for event in among)
        # One known place is what is asked about most often, and needs no more than this.
        place, part, writes = touches[0]
        if among and among[-1] == later:  # where it is at all; and it conflicts most often
            for other, theirs, changes in moved:
                if other == place and (writes or changes) and (part is None or theirs is None or part == theirs):
                    return False
            among = among[:-1]
        for event in among:
            for other, theirs, changes in of[event]:
                if other == place and (writes or changes) and (part is None or theirs is None or part == theirs):
                    return False
        return True

    def _asleep(self, node: int, part: Sequence[int], rest: Sequence[int] | None) -> tuple[int, Sequence[int] | None]:
        """Return _REJECTED if a thread that sleeps at `node` could come first in the sequence, else _ACCEPTED.

        `part` are its events up to the moved one, `rest` those after it: None, and returned as None, where the answer
        does not hang on them.
        """
        stack, given, answer = self._stack, rest, _ACCEPTED
        keys = stack.key
        for key, touches in stack.sleep[node].items():
            first = self._first(key & THREAD, part)
            if first is not None:
                if keys[first] == key and self._initial(first, part):
                    return _REJECTED, given
                continue
            if answer is _REJECTED or not self._independent(touches, part):
                continue
            if rest is None:
                rest = self._not_after(node, part[-1] + 1, len(stack.path))
            first = self._first(key & THREAD, rest)
            if first is None:
                covers = self._independent(touches, rest)
            else:
                covers = keys[first] == key and self._initial(first, (*part, *rest))
            answer = _REJECTED if covers else answer
        return answer, rest

    def _insert(self, node: int, part: Sequence[int], rest: Sequence[int] | None) -> int:
        """Put the sequence into the wakeup tree of `node`, unless a branch covers it; _UNDECIDED if that is open."""
        stack = self._stack
        # The moved event comes last: what is not before it is nevertheless there.
        left = list(part) if rest is None else [*part[:-1], *rest, part[-1]]
        branches, above, keys = stack.trees.setdefault(node, []), list[Branch](), stack.key
        # The first event of each thread in what is left, and after each event the next one of its thread.
        firsts, following = dict[int, int | None](), dict[int, int | None]()
        for event in reversed(left) if branches else ():
            thread = keys[event] & THREAD
            following[event] = firsts.get(thread)
            firsts[thread] = event
        while True:
            for branch in branches:
                thread = branch.key & THREAD
                first = firsts.get(thread)
                if first is None:
                    fits = self._fits(node, above, branch, left, rest is not None)
                else:
                    is_first = keys[first] == branch.key and (first == left[0] or self._initial(first, left))
                    fits = _ACCEPTED if is_first else _REJECTED
                if fits is _REJECTED:
                    continue
                if fits is _UNDECIDED:
                    return _UNDECIDED
                if first is not None:
                    left.remove(first)
                    firsts[thread] = following[first]
                break
            else:
                self._graft(node, branches, left)
                return _ACCEPTED
            if not branch.branches:
                return _REJECTED
            above.append(branch)
            branches = branch.branches

    def _fits(self, node: int, above: Sequence[Branch], branch: Branch, left: list[int], is_whole: bool) -> int:
        """Return _ACCEPTED if `branch`, below `above`, whose thread has no event in `left`, can come before it all."""
        if not self._independent(branch.touches, left):
            seen = tuple([touch for touch in branch.touches if touch[0].__class__ is int])
            if len(seen) == len(branch.touches) or not self._independent(seen, left):
                return _REJECTED
            if not self._really_independent(node, above, branch, left):
                return _REJECTED
        return _ACCEPTED if is_whole else _UNDECIDED

    def _really_independent(self, node: int, above: Sequence[Branch], branch: Branch, left: Sequence[int]) -> bool:
        """Return whether `branch` commutes with `left` where it hangs on which objects are the same."""
        later, moved, _ = self._moved
        touches = [(event, moved if event == later else self._stack.touches[event]) for event in left]
        return probes.independent(self._stack, node, above, branch, touches)

    def _graft(self, node: int, branches: list[Branch], left: Sequence[int]) -> None:
        stack = self._stack
        known = stack.known(node)
        later, moved, _ = self._moved
        for event in left:
            touches = moved if event == later else stack.touches[event]
            branch = Branch(stack.key[event], unseen(touches, known, self._kind_of))
            branches.append(branch)
            branches = branch.branches
