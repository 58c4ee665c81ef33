# SPDX-License-Identifier: Apache-2.0
"""Tests in TAP: a function decorated with @check is run as a test at once, done() ends the program."""
import sys

_count = 0
_failed = 0


def check(name):
    """Runs the function that follows as a test of this name; it may return why it was skipped."""

    def run(test):
        global _count, _failed
        _count += 1
        try:
            skipped = test()
            print(f"ok {_count} - {name}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except Exception as error:  # noqa: BLE001: every failure is a finding
            _failed += 1
            said = f"{type(error).__name__}: {error}".replace("\n", "\n# ")
            print(f"not ok {_count} - {name}\n# {said}", flush=True)

    return run


def expect(is_true, what):
    if not is_true:
        raise AssertionError(what)


def expect_same(value, right):
    expect(value == right, f"{value!r}, not {right!r}")


def expect_raises(kind, call, *arguments, **named):
    """Calls, and returns the exception of that kind which must come."""
    try:
        call(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} of {getattr(call, '__name__', call)}{arguments}")


def done(versions):
    print(f"1..{_count}\n# {versions}")
    sys.exit(1 if _failed else 0)
