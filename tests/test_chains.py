"""Objects with several obstacles, in several modules: one `apply`, and what it says of them as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixpickle.engine import Ports, run
from fixpickle.model import RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.report import View
from fixpickle.report.text import render
from fixpickle.rewrite.style import tidy
from fixpickle.verify import examine, prove

FILES = {
    "app/__init__.py": "",
    "app/errors.py": """
class StockError(Exception):
    def __init__(self, item, wanted):
        super().__init__(f"{item}: {wanted} wanted")
        self.item = item
        self.wanted = wanted
""",
    "app/store.py": """
import sqlite3
import threading

from app.errors import StockError


class Store:
    def __init__(self):
        self._db = None
        self._lock = threading.RLock()

    @property
    def db(self):
        if self._db is None:
            self._db = sqlite3.connect("stock.db")
        return self._db

    def take(self, item, wanted):
        with self._lock:
            (there,) = self.db.execute("select 3").fetchone()
            if wanted > there:
                raise StockError(item, wanted)
            return there - wanted
""",
    "app/prices.py": """
class Prices:
    def __init__(self):
        self.round = lambda price: round(price, 2)

        class Rule:
            factor = 2

        self.rule = Rule()


class Proxy:
    def __init__(self, prices):
        self._prices = prices

    def __getattr__(self, name):
        return getattr(self._prices, name)


class Clock:
    def __init__(self):
        self.ticks = (n for n in range(3))
        self.now = next(self.ticks)
""",
    "app/service.py": """
from concurrent.futures import ProcessPoolExecutor
import pickle

from app.prices import Clock, Prices, Proxy
from app.store import Store


class Service:
    def __init__(self):
        self.store = Store()
        self.prices = Prices()
        self.proxy = Proxy(self.prices)

    def order(self, item, wanted, net):
        self.store.take(item, wanted)
        return self.proxy.round(net * wanted * self.proxy.rule.factor)

    def orders(self, several):
        self.store.take("none", 0)
        with ProcessPoolExecutor(1) as pool:
            return list(pool.map(self.one, several))

    def one(self, order):
        return self.order(*order)


class Late:
    def __init__(self):
        self.store = Store()
        self.clock = Clock()

    def saved(self):
        return pickle.dumps(self)
""",
    "main.py": """
from app.errors import StockError
from app.service import Service

if __name__ == "__main__":
    service = Service()
    print(service.orders([("a", 1, 1.25), ("b", 2, 2.5)]))
    try:
        service.orders([("a", 9, 1.0)])
    except StockError as error:
        print("refused", error, error.wanted)
""",
}


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunReport]:
    """The program after one run with everything written, and the report."""
    root = tmp_path_factory.mktemp("program")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    settings = Settings(root=root, python=Path(sys.executable), verify=True)
    report = run([root], settings, load_rules(), Ports(prove, examine, tidy, lambda *_: None), fix=True)
    for change in report.changes:
        change.path.write_text(change.new, "utf-8")
    return root, report


def test_one_run_gets_the_object_across(applied: tuple[Path, RunReport]) -> None:
    root, _ = applied
    done = subprocess.run([sys.executable, "main.py"], cwd=root, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[2.5, 10.0]\nrefused a: 9 wanted 9\n", done.stderr


def test_every_obstacle_is_fixed_by_its_own_rule(applied: tuple[Path, RunReport]) -> None:
    names = {one.patch.finding.rule for one in applied[1].fixed}
    wanted = {"bare-lock", "transient-attribute", "lambda-value", "local-class", "exception-arguments"}
    assert names == wanted | {"broken-state-hook"}
    assert applied[1].taken_back == ()


def test_what_is_shipped_is_told_of_as_a_whole(applied: tuple[Path, RunReport]) -> None:
    root, report = applied
    text = render(report, View(color=False, quiet=False, found=False, base=root))
    assert "app.service.Service crosses now\n" in text
    assert "app.service.Late does not cross yet\n" in text
    assert "Late.clock.ticks is a generator, set in Clock at prices.py:" in text
    assert "app.store.Store " not in text, "it is a part of both"
