"""`fixpickle.runtime.calls`: a partial that binds as a method, and what importing the runtime costs."""

from __future__ import annotations

import copy
import inspect
import operator
import pickle
import subprocess
import sys
import warnings

import pytest

from fixpickle.runtime.calls import method_partial

doubled = method_partial(operator.mul, 2)


def scaled(factor, /, self, amount, *, extra=0):
    """What a closure over `factor` became."""
    return self.base + factor * amount + extra


class Account:
    base = 100
    grow = method_partial(scaled, 10, extra=1)


def test_called_plainly_it_is_a_partial():
    assert doubled(21) == 42
    assert isinstance(doubled, __import__("functools").partial)


def test_looked_up_on_an_instance_it_receives_the_instance_after_the_filled_in_arguments():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 3.13 warns where a plain partial stands in a class body
        assert Account().grow(3) == 131
        assert Account().grow(amount=3, extra=5) == 135


def test_looked_up_on_the_class_it_is_itself():
    assert Account.grow is Account.__dict__["grow"]
    assert Account.grow(Account(), 3) == 131


def test_set_on_an_instance_it_does_not_bind_as_a_function_does_not():
    account = Account()
    account.own = method_partial(operator.add, 1)
    assert account.own(2) == 3


def test_the_signature_of_the_bound_method_is_that_of_the_visible_parameters():
    assert list(inspect.signature(Account().grow).parameters) == ["amount", "extra"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_round_trips_and_still_binds(protocol):
    again = pickle.loads(pickle.dumps(method_partial(divmod, 17), protocol))
    assert type(again) is method_partial
    assert again(5) == (3, 2)
    assert (again.func, again.args, again.keywords) == (divmod, (17,), {})


def test_copies_are_of_the_same_kind_and_deep_ones_copy_the_arguments():
    original = method_partial(operator.add, [1])
    assert copy.copy(original).args[0] is original.args[0]
    deep = copy.deepcopy(original)
    assert type(deep) is method_partial and deep.args == ([1],) and deep.args[0] is not original.args[0]


def test_its_repr_names_it_and_what_it_holds():
    assert "method_partial(" in repr(doubled) and ", 2)" in repr(doubled)


def test_it_crosses_to_a_fresh_process():
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)(21))"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(doubled), capture_output=True, check=True)
    assert done.stdout.strip() == b"42"


@pytest.mark.parametrize(
    "modules", ["runtime", "runtime.locks, fixpickle.runtime.calls, fixpickle.runtime.names", "runtime.parallel"]
)
def test_importing_the_runtime_loads_nothing_of_the_tool(modules):
    if modules == "runtime.parallel":
        pytest.importorskip("joblib")
    heavy = {"libcst", "typer", "black"} | (set() if modules == "runtime.parallel" else {"joblib", "logging"})
    code = f"import sys, fixpickle.{modules}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_is_called_as_the_function_is_and_a_bound_method_of_it_is_pickled_by_that_name():
    assert (Account.grow.__name__, Account.grow.__doc__) == ("scaled", scaled.__doc__)
    assert Account.grow.__module__ == scaled.__module__
    again = pickle.loads(pickle.dumps(method_partial(scaled, 3)))
    assert (again.__name__, again.__doc__, again.__module__) == ("scaled", scaled.__doc__, scaled.__module__)
    again.__name__ = "other"
    assert pickle.loads(pickle.dumps(again)).__name__ == "other"
