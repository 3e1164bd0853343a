# ruff: noqa
"""Threads, locks and what is built on them: each case ends the same way whatever the schedule."""

import queue
import threading
import time
from threading import Lock, Thread

from .kit import Box, Counter, case, note

SHARED = 0
GUARD = threading.Lock()


def count_up(counter, n):
    for i in range(n):
        counter.increment()


@case()
def one_thread_joined():
    counter = Counter()
    thread = threading.Thread(target=count_up, args=[counter, 5])
    thread.start()
    thread.join()
    return counter.get_count()


@case()
def two_threads_locked():
    counter = Counter()
    lock = threading.Lock()

    def work():
        for i in range(3):
            with lock:
                counter.increment()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return counter.count


@case()
def batch_of_ten():
    counter, lock = Counter(), Lock()

    def work(counter, lock):
        for i in range(2):
            lock.acquire()
            for i in range(10):
                counter.increment()
            lock.release()

    thread = Thread(target=work, args=(counter, lock))
    thread.start()
    lock.acquire()
    seen = counter.get_count() % 10
    lock.release()
    thread.join()
    return seen, counter.count


@case(lambda: (threading.Lock(),))
def lock_forms(lock):
    out = [lock.acquire(), lock.locked(), lock.acquire(False), lock.acquire(blocking=False), lock.acquire(True, 0.001)]
    lock.release()
    out.append(lock.locked())
    with lock:
        out.append(lock.locked())
    with lock as got:
        out.append(got)
    if lock.acquire(timeout=1):
        try:
            out.append("in")
        finally:
            lock.release()
    return out


@case(lambda: (threading.Lock(),))
def lock_released_when_body_raises(lock):
    try:
        with lock:
            raise ValueError(lock.locked())
    except ValueError as e:
        return e.args, lock.locked()


@case(lambda: (threading.Lock(),))
def release_of_a_free_lock(lock):
    x = 1
    lock.release()


@case(lambda: (threading.Lock(),))
def return_and_break_inside_with_lock(lock):
    def f():
        with lock:
            return lock.locked()

    for i in range(3):
        with lock:
            if i == 0:
                continue
            if i == 1:
                break
    return f(), lock.locked(), i


@case()
def reentrant_lock():
    lock = threading.RLock()
    out = []
    with lock:
        with lock:
            out.append(lock.acquire())
            lock.release()
    try:
        lock.release()
    except RuntimeError as e:
        out.append(str(e))
    return out


@case()
def reentrant_lock_keeps_others_out():
    lock, out = threading.RLock(), []

    def other():
        out.append(lock.acquire(blocking=False))

    with lock:
        t = threading.Thread(target=other)
        t.start()
        t.join()
    return out


@case()
def event_wakes_a_waiter():
    ready, out = threading.Event(), []

    def waiter():
        out.append(ready.wait())
        out.append("woken")

    t = threading.Thread(target=waiter)
    t.start()
    before = ready.is_set()
    ready.set()
    t.join()
    ready.clear()
    return before, out, ready.is_set(), ready.wait(0.001)


@case()
def condition_hands_over():
    condition, items, got = threading.Condition(), [], []

    def consumer():
        with condition:
            while not items:
                condition.wait()
            got.append(items.pop())

    def producer():
        with condition:
            items.append("item")
            condition.notify()

    threads = [threading.Thread(target=f) for f in (consumer, producer)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return got


@case()
def condition_wait_for_and_notify_all():
    condition, state, out = threading.Condition(), Box(turn=0), []

    def player(n):
        with condition:
            condition.wait_for(lambda: state.turn == n)
            out.append(n)
            state.turn += 1
            condition.notify_all()

    threads = [threading.Thread(target=player, args=(n,)) for n in (2, 0, 1)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out


@case()
def condition_used_without_its_lock():
    condition = threading.Condition()
    out = []
    for f in (condition.wait, condition.notify, condition.notify_all, lambda: condition.wait(0.001)):
        try:
            f()
        except RuntimeError as e:
            out.append(str(e))
    return out


@case()
def condition_wait_times_out():
    condition = threading.Condition()
    with condition:
        return condition.wait(0.001), condition.wait_for(lambda: False, 0.001)


@case()
def semaphores():
    s, b = threading.Semaphore(2), threading.BoundedSemaphore(1)
    out = [s.acquire(), s.acquire(), s.acquire(blocking=False), s.acquire(timeout=0.001)]
    s.release()
    with s:
        out.append("in")
    s.release(2)
    with b:
        pass
    try:
        b.release()
    except ValueError as e:
        out.append(str(e))
    return out


@case()
def semaphore_between_threads():
    s, out = threading.Semaphore(0), []

    def worker():
        s.acquire()
        out.append("done")

    t = threading.Thread(target=worker)
    t.start()
    s.release()
    t.join()
    return out


@case()
def barrier_of_two():
    barrier, out = threading.Barrier(2), []

    def party():
        index = barrier.wait()
        out.append(index)

    threads = [threading.Thread(target=party) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sorted(out), barrier.n_waiting, barrier.broken, barrier.parties


@case()
def queue_in_one_thread():
    q = queue.Queue(maxsize=2)
    q.put(1)
    q.put(2, block=False)
    out = [q.full(), q.qsize()]
    try:
        q.put_nowait(3)
    except queue.Full:
        out.append("full")
    out += [q.get(), q.get_nowait(), q.empty()]
    try:
        q.get(block=False)
    except queue.Empty:
        out.append("empty")
    try:
        q.get(timeout=0.001)
    except queue.Empty:
        out.append("timed out")
    q.task_done()
    q.task_done()
    q.join()
    return out


@case()
def queue_between_threads():
    q, out = queue.Queue(), []

    def consumer():
        while True:
            item = q.get()
            if item is None:
                break
            out.append(item * 2)
            q.task_done()

    t = threading.Thread(target=consumer)
    t.start()
    for i in range(3):
        q.put(i)
    q.join()
    q.put(None)
    t.join()
    return out


@case()
def other_queues():
    lifo, priority, simple = queue.LifoQueue(), queue.PriorityQueue(), queue.SimpleQueue()
    for x in (2, 3, 1):
        lifo.put(x)
        priority.put(x)
        simple.put(x)
    return [lifo.get() for _ in range(3)], [priority.get() for _ in range(3)], simple.get(), simple.qsize()


@case()
def thread_subclass():
    class Worker(threading.Thread):
        def __init__(self, n):
            super().__init__()
            self.n = n
            self.result = None

        def run(self):
            self.result = self.n * 2

    workers = [Worker(n) for n in range(3)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return [w.result for w in workers], workers[0].is_alive()


@case()
def thread_attributes():
    def say(text):
        print(text, threading.current_thread() is t, threading.current_thread().name)

    t = threading.Thread(target=say, args=("in thread",), name="named", daemon=True)
    out = [t.name, t.daemon, t.is_alive()]
    t.name = "renamed"
    t.start()
    t.join()
    return out, t.name, t.is_alive(), threading.current_thread() is threading.main_thread()


@case()
def thread_with_arguments_of_every_kind():
    out = []

    def work(a, b=2, *rest, c, **more):
        out.append((a, b, rest, c, more))

    for arguments in ({"args": (1, 3, 4), "kwargs": {"c": 5, "d": 6}}, {"args": [1], "kwargs": {"c": 2}}):
        t = threading.Thread(target=work, **arguments)
        t.start()
        t.join()
    return out


@case()
def thread_target_of_every_kind():
    import functools

    counter = Counter()

    class Callable:
        def __call__(self):
            counter.increment()

    targets = [
        counter.increment,
        lambda: counter.increment(),
        functools.partial(count_up, counter, 2),
        Callable(),
        None,
    ]
    for target in targets:
        t = threading.Thread(target=target)
        t.start()
        t.join()
    return counter.count


@case()
def thread_started_twice_and_joined_early():
    out = []
    t = threading.Thread(target=lambda: None)
    try:
        t.join()
    except RuntimeError as e:
        out.append(str(e))
    t.start()
    try:
        t.start()
    except RuntimeError as e:
        out.append(str(e))
    t.join()
    t.join(0.1)
    return out


@case()
def thread_starts_a_thread():
    out = []

    def outer():
        inner = threading.Thread(target=lambda: out.append("inner"))
        inner.start()
        inner.join()
        out.append("outer")

    t = threading.Thread(target=outer)
    t.start()
    t.join()
    return out


@case()
def thread_that_fails_leaves_the_others_alone():
    out = []

    def bad():
        out.append("bad")
        raise ValueError("in thread")

    t = threading.Thread(target=bad)
    t.start()
    t.join()
    return out, t.is_alive()


@case(SHARED=0)
def global_counter_under_a_global_lock():
    def work():
        global SHARED
        for _ in range(3):
            with GUARD:
                SHARED += 1

    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return SHARED


@case()
def nonlocal_counter_under_a_lock():
    total, lock = 0, threading.Lock()

    def work(n):
        nonlocal total
        with lock:
            total += n

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return total


@case()
def sleep_and_time():
    started = time.time()
    time.sleep(0)
    time.sleep(0.001)
    return time.time() >= started, time.perf_counter() > 0, time.monotonic() > 0


@case()
def locks_kept_in_objects_and_dicts():
    class Account:
        def __init__(self):
            self.lock = threading.Lock()
            self.balance = 100

        def transfer(self, other, amount):
            with self.lock, other.lock:
                self.balance -= amount
                other.balance += amount

    a, b = Account(), Account()
    locks = {"x": threading.Lock()}
    with locks["x"]:
        t = threading.Thread(target=a.transfer, args=(b, 30))
        t.start()
        t.join()
    return a.balance, b.balance


@case()
def lock_methods_as_values():
    lock = threading.Lock()
    take, give = lock.acquire, lock.release
    out = [take(), lock.locked()]
    give()
    lock.__enter__()
    out.append(lock.locked())
    lock.__exit__(None, None, None)
    return out, lock.locked()


@case()
def timer_and_thread_local():
    out = []
    timer = threading.Timer(0.001, out.append, args=("tick",))
    timer.start()
    timer.join()
    return out


@case()
def thread_local_values():
    local = threading.local()
    local.x = 1
    out = []

    def work():
        out.append(hasattr(local, "x"))
        local.x = 2
        out.append(local.x)

    t = threading.Thread(target=work)
    t.start()
    t.join()
    return local.x, out
