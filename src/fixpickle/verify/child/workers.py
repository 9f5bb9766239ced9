"""A pair of joblib's, tried on its own worker processes: they are the other interpreter."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Callable, Tuple

from .failure import Failure, expect, stage, told
from .world import Dumped, Json, World

Setting = Tuple[Callable[[Any], None], Callable[[], Any], Any]


class Workers:
    """Crosses within one step: joblib's own workers are the other interpreter."""

    TASKS = 20

    def dump(self, world: World, task: Json) -> Dumped:
        module = world.modules.get(task["module"])
        try:
            joblib = importlib.import_module("joblib")
            write, read, wanted = STATES[task["state"]]()
        except ImportError as error:
            raise Failure("absent", "%s in %s" % (told(error), sys.executable)) from error
        with stage("build"):
            parallel, delayed = eval(task["parallel"], vars(module)), eval(task["delayed"], vars(module))
            if task["register"]:
                eval(task["register"], vars(module))
            view = world.view()
        former = read()
        try:
            with stage("dump"):
                write(wanted)
                with view:
                    made = delayed(read)  # where it captures, it must do so in this thread
                    seen = parallel(n_jobs=2)(made() for _ in range(self.TASKS))
                    after = joblib.Parallel(n_jobs=2)(joblib.delayed(read)() for _ in range(4))
                missing = sum(one != wanted for one in seen)
                expect(not missing, "the %s setting was lost in %d of %d tasks" % (task["state"], missing, self.TASKS))
                expect(read() == wanted, "the %s setting is gone in the process that set it" % task["state"])
        finally:
            write(former)
            joblib.externals.loky.get_reusable_executor().shutdown(wait=True, kill_workers=True)
        return [], {"kept": wanted in after}

    def check(self, world: World, task: Json, loaded: list[Any], facts: Json) -> str:
        return "the workers keep it afterwards" if facts["kept"] else "the workers put it back afterwards"


def _decimal() -> Setting:
    import decimal

    def write(precision: int) -> None:
        decimal.getcontext().prec = precision

    def read() -> Any:
        import decimal

        return decimal.getcontext().prec

    return write, read, 7


def _sklearn() -> Setting:
    import sklearn

    def write(assume: bool) -> None:
        sklearn.set_config(assume_finite=assume)

    def read() -> Any:
        import sklearn

        return sklearn.get_config()["assume_finite"]

    return write, read, True


def _numpy() -> Setting:
    import numpy

    def write(divide: Any) -> None:
        numpy.seterr(divide=divide)

    def read() -> Any:
        import numpy

        return numpy.geterr()["divide"]

    return write, read, "raise"


def _pandas() -> Setting:
    import pandas

    def write(rows: int) -> None:
        pandas.set_option("display.max_rows", rows)

    def read() -> Any:
        import pandas

        return pandas.get_option("display.max_rows")

    return write, read, 7


def _logging() -> Setting:
    import logging

    def write(level: int) -> None:
        logging.getLogger("fixpickle").setLevel(level)

    def read() -> Any:
        import logging

        return logging.getLogger("fixpickle").level

    return write, read, 35


def _warnings() -> Setting:
    import warnings

    def write(strict: bool) -> None:
        if strict:
            warnings.simplefilter("error", BytesWarning)
        else:
            filters: Any = warnings.filters
            filters.remove(("error", None, BytesWarning, None, 0))

    def read() -> Any:
        import warnings

        return ("error", None, BytesWarning, None, 0) in warnings.filters

    return write, read, True


STATES = {
    "decimal": _decimal,
    "logging": _logging,
    "numpy": _numpy,
    "pandas": _pandas,
    "sklearn": _sklearn,
    "warnings": _warnings,
}
