# ruff: noqa
"""try, except, else, finally, with, raise and assert: every way in and every way out."""

from .kit import Box, Counter, case, fail, note


@case()
def finally_after_return():
    log = []

    def f():
        try:
            return note(log, "value")
        finally:
            log.append("finally")

    return f(), log


@case()
def finally_overrides_return():
    def f():
        try:
            return 1
        finally:
            return 2

    def g():
        try:
            raise ValueError
        finally:
            return 3

    return f(), g()


@case()
def return_in_each_place():
    def f(where, error=None):
        log = []
        try:
            log.append("try")
            if error:
                raise error
            if where == "try":
                return log
        except ValueError:
            log.append("except")
            if where == "except":
                return log
        else:
            log.append("else")
            if where == "else":
                return log
        finally:
            log.append("finally")
            if where == "finally":
                return log
        return log + ["end"]

    return [f(w, e) for w in ("try", "except", "else", "finally", "") for e in (None, ValueError())]


@case()
def break_and_continue_in_each_place():
    log = []
    for i in range(12):
        try:
            log.append(("try", i))
            if i == 0:
                continue
            if i in (1, 2):
                raise KeyError(i)
            if i == 8:
                break
        except KeyError as e:
            log.append(("except", e.args))
            if i == 1:
                continue
        else:
            log.append(("else", i))
            if i == 3:
                continue
        finally:
            log.append(("finally", i))
        log.append(("end", i))
    return log


@case()
def continue_and_break_in_finally():
    log = []
    for i in range(5):
        try:
            log.append(i)
            if i == 1:
                raise ValueError
            if i == 2:
                return "never"
        finally:
            if i < 3:
                continue
            break
    return log, i


@case()
def break_in_except_and_else():
    log = []
    while True:
        try:
            raise ValueError
        except ValueError:
            log.append("except")
            break
        finally:
            log.append("finally")
    while True:
        try:
            pass
        except ValueError:
            pass
        else:
            log.append("else")
            break
        finally:
            log.append("finally")
    return log


@case()
def nested_finally():
    log = []

    def f():
        try:
            try:
                return note(log, 1)
            finally:
                log.append(2)
                try:
                    raise KeyError
                except KeyError:
                    log.append(3)
                finally:
                    log.append(4)
        finally:
            log.append(5)

    return f(), log


@case()
def exception_in_finally_replaces():
    try:
        try:
            raise ValueError(1)
        finally:
            raise KeyError(2)
    except KeyError as e:
        return type(e.__context__), e.__context__.args, e.__cause__


@case()
def exception_in_except_has_context():
    try:
        raise ValueError(1)
    except ValueError:
        {}["missing"]


@case()
def raise_from():
    try:
        raise ValueError(1)
    except ValueError as e:
        raise KeyError(2) from e


@case()
def raise_from_none():
    try:
        raise ValueError(1)
    except ValueError:
        raise KeyError(2) from None


@case()
def raise_a_class():
    raise LookupError


@case()
def raise_from_a_class():
    raise LookupError from ValueError


@case()
def raise_something_else():
    raise 5


@case()
def raise_from_something_else():
    raise ValueError from 5


@case()
def bare_raise():
    try:
        raise ValueError("again")
    except ValueError:
        log = []
        raise


@case()
def bare_raise_after_a_nested_handler():
    try:
        raise ValueError("outer")
    except ValueError:
        try:
            raise KeyError("inner")
        except KeyError:
            pass
        raise


@case()
def bare_raise_in_a_called_function():
    def again():
        raise

    try:
        raise ValueError("outer")
    except ValueError:
        again()


@case()
def bare_raise_with_nothing_active():
    raise


@case()
def handlers_in_order_with_tuples():
    log = []
    for error in [ValueError(1), KeyError(2), IndexError(3), TypeError(4), StopIteration(5), ArithmeticError(6)]:
        try:
            raise error
        except (KeyError, IndexError) as e:
            log.append(("lookup", e.args))
        except ValueError:
            log.append("value")
        except (TypeError,):
            log.append("type")
        except StopIteration as e:
            log.append(e.value)
        except:
            log.append("bare")
    return log


@case()
def handler_expression_is_evaluated_only_when_asked():
    log = []
    try:
        raise KeyError(1)
    except note(log, IndexError):
        pass
    except note(log, KeyError):
        log.append("here")
    except note(log, ValueError):
        pass
    try:
        pass
    except note(log, "never"):
        pass
    return [x if isinstance(x, str) else x.__name__ for x in log]


@case()
def handler_that_is_no_class():
    try:
        raise KeyError(1)
    except "KeyError":
        pass


@case()
def exception_escapes_through_finally():
    log = []
    try:
        fail(log, OSError(2, "no such file"))
    finally:
        log.append("finally")


@case()
def exception_from_a_method():
    counter = Counter()
    counter.count = "text"
    counter.increment()


# fmt: off
@case(lambda: ({"a": 1},))
def key_error_from_an_item(d):
    x = d["a"]
    return (
        x
        + d["b"]
    )
# fmt: on


@case(lambda: (Box(),))
def attribute_error_from_a_read(box):
    x = 1
    return box.missing


@case()
def zero_division():
    x = 0
    y = 1
    return y / x


@case()
def overflow_and_type_errors():
    out = []
    for f in (
        lambda: 1 + "a",
        lambda: "a" + 1,
        lambda: [] + (),
        lambda: -"a",
        lambda: 1 < "a",
        lambda: len(5),
        lambda: 2.0**10000,
    ):
        try:
            out.append(f())
        except Exception as e:
            out.append((type(e).__name__, str(e)))
    return out


@case()
def exception_value_through_else_and_finally():
    log = []
    try:
        try:
            log.append("try")
        except ValueError:
            log.append("never")
        else:
            raise KeyError("from else")
        finally:
            log.append("finally")
    except KeyError as e:
        log.append(e.args[0])
    return log


@case()
def exception_variable_captured_by_closure():
    def read():
        return e

    try:
        raise ValueError("kept")
    except ValueError as e:
        inside = read().args
    try:
        read()
    except NameError as error:
        return inside, str(error)


@case()
def sys_exception_information_inside_a_handler():
    import sys

    before = sys.exc_info()
    try:
        raise ValueError(1)
    except ValueError:
        inside = sys.exc_info()[0], str(sys.exception())
        try:
            raise KeyError(2)
        except KeyError:
            nested = sys.exc_info()[0]
        back = sys.exc_info()[0]
    return before, inside, nested, back, sys.exc_info()


@case()
def assert_forms():
    assert True
    assert 1, "not evaluated"
    assert (1, "a tuple is true")[0]
    try:
        assert [] == [1], f"message {1 + 1}"
    except AssertionError as e:
        first = e.args
    try:
        assert 0
    except AssertionError as e:
        return first, e.args


@case()
def assert_fails():
    x = 3
    assert x == 4, ("x", x)


@case()
def group_of_exceptions():
    log = []
    try:
        raise ExceptionGroup(
            "several", [ValueError(1), KeyError(2), TypeError(3), ExceptionGroup("more", [ValueError(4)])]
        )
    except* ValueError as group:
        log.append([type(e).__name__ for e in group.exceptions])
    except* (KeyError, TypeError) as group:
        log.append([e.args for e in group.exceptions])
    else:
        log.append("never")
    finally:
        log.append("finally")
    return log


@case()
def group_part_escapes():
    log = []
    try:
        raise ExceptionGroup("several", [ValueError(1), KeyError(2)])
    except* ValueError:
        log.append("value")


@case()
def group_wraps_a_plain_exception():
    try:
        raise ValueError(1)
    except* ValueError as group:
        kept = type(group).__name__, group.message, group.exceptions[0].args
    return kept


@case()
def group_not_needed():
    try:
        x = 1
    except* ValueError:
        x = 2
    else:
        x += 10
    return x


@case(lambda: (Box(seen=0),))
def group_handler_with_shared_steps(box):
    try:
        box.seen += 1
        raise ExceptionGroup("g", [ValueError(1), OSError(2)])
    except* ValueError as group:
        box.seen += len(group.exceptions)
    except* OSError:
        box.seen *= 10
    return box.seen


class Recorder:
    def __init__(self, log, name="r", swallow=False):
        self.log, self.name, self.swallow = log, name, swallow

    def __enter__(self):
        self.log.append(("enter", self.name))
        return self.name

    def __exit__(self, kind, error, traceback):
        self.log.append(("exit", self.name, kind, error and error.args, traceback is None))
        return self.swallow


@case(lambda: ([],))
def with_plain(log):
    with Recorder(log, "a") as name:
        log.append(name)
    with Recorder(log):
        pass
    return log


@case(lambda: ([],))
def with_suppresses(log):
    with Recorder(log, swallow=True):
        raise ValueError(1)
    return "after"


@case(lambda: ([],))
def with_does_not_suppress(log):
    with Recorder(log):
        raise ValueError(1)


@case(lambda: ([],))
def with_truthy_exit_after_no_exception(log):
    with Recorder(log, swallow=True):
        log.append("body")
    return "after"


@case(lambda: ([],))
def with_return_break_continue(log):
    def f():
        with Recorder(log, "return"):
            return note(log, "value")

    f()
    for i in range(4):
        with Recorder(log, i):
            if i == 1:
                continue
            if i == 2:
                break
    return i


@case(lambda: ([],))
def with_exit_raises(log):
    class Bad(Recorder):
        def __exit__(self, *details):
            super().__exit__(*details)
            raise KeyError("from exit")

    try:
        with Bad(log):
            raise ValueError(1)
    except KeyError as e:
        return e.args, type(e.__context__)


@case(lambda: ([],))
def with_enter_raises(log):
    class Bad(Recorder):
        def __enter__(self):
            raise KeyError("from enter")

    with Recorder(log, "outer"):
        with Bad(log, "inner"):
            log.append("never")


@case(lambda: ([],))
def with_several_and_targets(log):
    d = {}
    with Recorder(log, "a") as d["a"], Recorder(log, "b") as (d["b"],), Recorder(log, "c"):
        pass
    with (
        Recorder(log, "d") as d["d"],
        Recorder(log, "e"),
    ):
        return d


@case(lambda: ([],))
def with_inner_suppresses_for_outer(log):
    with Recorder(log, "outer"), Recorder(log, "inner", swallow=True):
        raise ValueError(1)
    return "after"


@case(lambda: ([],))
def with_exit_looked_up_before_enter_runs(log):
    class Changing:
        def __enter__(self):
            type(self).__exit__ = lambda *details: log.append("new")
            log.append("enter")

        def __exit__(self, *details):
            log.append("old")

    with Changing():
        pass


@case()
def with_something_else():
    with 5:
        pass


@case()
def with_enter_only():
    class Half:
        def __enter__(self):
            return 1

    with Half():
        pass


@case()
def finally_runs_when_generator_body_raises():
    log = []

    def numbers():
        try:
            yield 1
            raise ValueError("in generator")
        finally:
            log.append("finally")

    try:
        for x in numbers():
            log.append(x)
    except ValueError as e:
        return log, e.args


@case()
def stop_iteration_in_a_generator():
    def numbers():
        yield 1
        raise StopIteration(2)

    try:
        for x in numbers():
            pass
    except RuntimeError as e:
        return x, e.args, type(e.__cause__)


@case()
def stop_iteration_from_plain_code():
    def f():
        raise StopIteration(5)

    try:
        f()
    except StopIteration as e:
        kept = e.value
    raise StopIteration(kept)


@case()
def generator_exit_raised_by_the_user():
    log = []
    try:
        raise GeneratorExit("mine")
    except GeneratorExit as e:
        log.append(e.args)
    try:
        try:
            raise GeneratorExit("again")
        finally:
            log.append("finally")
    except BaseException as e:
        log.append(type(e).__name__)
    return log


@case()
def base_exceptions():
    log = []
    for kind in (KeyboardInterrupt, SystemExit):
        try:
            raise kind("x")
        except Exception:
            log.append("never")
        except BaseException as e:
            log.append((type(e).__name__, e.args))
    return log


@case()
def custom_exception_with_state():
    class Refused(Exception):
        def __init__(self, code):
            super().__init__(f"refused: {code}")
            self.code = code

        def __str__(self):
            return f"<{self.code}>"

    try:
        raise Refused(7)
    except Refused as e:
        e.code += 1
        e.add_note("a note")
        return e.code, str(e), e.args, e.__notes__


@case()
def retry_until_it_works():
    attempts = 0

    def flaky():
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise OSError(attempts)
        return "done"

    while True:
        try:
            result = flaky()
        except OSError:
            continue
        else:
            break
        finally:
            attempts += 10
    return result, attempts


# fmt: off
@case()
def error_inside_a_loop_line_number():
    total = 0
    for i in range(3):
        if i == 2:
            total += [
                1,
                undefined_here,
            ][1]
    return total
# fmt: on


# fmt: off
@case()
def error_inside_nested_call_line_number():
    def inner(x):
        y = x
        return y.missing

    def outer(x):
        return [
            inner(x),
        ]

    return outer(1)
# fmt: on


@case()
def recursion_error_is_caught():
    def forever(n):
        return forever(n + 1)

    try:
        forever(0)
    except RecursionError as e:
        return type(e)


@case()
def with_traceback_and_reraise():
    try:
        raise ValueError("x")
    except ValueError as e:
        kept = e
    raise kept.with_traceback(None)


@case()
def handler_with_steps_then_reraise():
    counter = Counter()
    try:
        try:
            counter.increment()
            raise ValueError(counter.count)
        except ValueError as e:
            counter.increment()
            raise
        finally:
            counter.increment()
    except ValueError as e:
        return e.args, counter.count
