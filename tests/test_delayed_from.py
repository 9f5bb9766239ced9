"""Whose pair takes joblib's place, and `delayed` out of the generator of tasks: what is written, and real workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from fixpickle.engine import Ports, run
from fixpickle.model import Pair, RunReport, Settings
from fixpickle.registry import load_rules
from fixpickle.rewrite.style import tidy
from fixpickle.source import read
from fixpickle.survey import Facts, survey
from fixpickle.testing import write
from fixpickle.verify import examine, prove

_PORTS = Ports(prove=prove, examine=examine, tidy=tidy, progress=lambda what, done, total: None)

HEAD = """
import sklearn
from joblib import Parallel, delayed

def work(x):
    return x
"""


def report(folder: Path, text: str, pair: Pair = Pair.TPCP, **others: str) -> RunReport:
    """A run over `m.py`, and other files by the names that `others` have with `_` for `.`."""
    files = {"m.py": text, **{name.replace("_", ".", 1): one for name, one in others.items()}}
    write({path: dedent(one).encode() for path, one in files.items()}, folder)
    settings = Settings(root=folder, python=Path(sys.executable), verify=False, delayed_from=pair)
    return run([folder], settings, load_rules(), _PORTS, fix=True)


def fixed(folder: Path, text: str, pair: Pair = Pair.TPCP, **others: str) -> str:
    found = report(folder, text, pair, **others)
    return next(c.new for c in found.changes if c.path.name == "m.py")


def refused(folder: Path, text: str, pair: Pair = Pair.TPCP) -> str:
    found = report(folder, text, pair)
    assert not [f for f in found.fixed if f.patch.finding.rule == "stateless-delayed"]
    return next(x.reason for x in found.left if x.finding.rule == "stateless-delayed")


# --- whose pair -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("others", "module"),
    [
        ({}, "_fixpickle_parallel"),
        ({"other_py": "import sklearn\n"}, "sklearn.utils.parallel"),
        ({"other_py": "import tpcp\nimport sklearn\n"}, "tpcp.parallel"),
        ({"requirements_txt": "numpy\nscikit-learn>=1.3  # models\n"}, "sklearn.utils.parallel"),
        ({"requirements_txt": "# tpcp\nscikit-learn-extra\n"}, "_fixpickle_parallel"),
        ({"pyproject_toml": '[project]\ndependencies = ["tpcp"]\n'}, "tpcp.parallel"),
        ({"pyproject_toml": '[tool.poetry.dependencies]\ntpcp = "^3"\n'}, "tpcp.parallel"),
        ({"setup_py": "setup(install_requires=['scikit-learn'])\n"}, "sklearn.utils.parallel"),
        ({"other_py": "import tpcp\nfrom ray.util.joblib import register_ray\n"}, "_fixpickle_parallel"),
        ({"other_py": "import tpcp\nimport ray\n"}, "tpcp.parallel"),
        ({"other_py": "import sklearn, decimal\ndecimal.setcontext(C)\n"}, "_fixpickle_parallel"),
        ({"other_py": "import sklearn\nsklearn.set_config(assume_finite=True)\n"}, "sklearn.utils.parallel"),
        ({"other_py": "import sklearn\n", "test_m_py": "import numpy\nnumpy.seterr()\n"}, "sklearn.utils.parallel"),
    ],
)
def test_a_pair_is_chosen_from_what_the_project_depends_on(tmp_path, others, module):
    pytest.importorskip("tpcp"), pytest.importorskip("sklearn")
    text = (
        "from joblib import Parallel, delayed\n\ndef run(f, xs):\n    return Parallel(2)(delayed(f)(x) for x in xs)\n"
    )
    if "test_m_py" in others:
        others = {"other_py": others["other_py"]}
        (tmp_path / "test_m.py").write_text("import numpy\nnumpy.seterr()\n")
    assert f"from {module} import" in fixed(tmp_path, text, Pair.AUTO, **others)


@pytest.mark.parametrize(
    ("pair", "module"), [(Pair.RUNTIME, "_fixpickle_parallel"), (Pair.SKLEARN, "sklearn.utils.parallel")]
)
def test_a_pair_that_is_asked_for_is_taken_whatever_the_project_depends_on(tmp_path, pair, module):
    text = HEAD + "\ndef run(xs):\n    return Parallel(2)(delayed(work)(x) for x in xs)\n"
    assert f"from {module} import Parallel, delayed" in fixed(tmp_path, text, pair, other_py="import tpcp\n")


def notes(found: RunReport) -> str:
    return " ".join(n for f in found.fixed for n in f.patch.notes)


def test_what_a_pair_leaves_behind_is_said(tmp_path):
    text = HEAD + "import pandas\npandas.set_option('display.max_rows', 7)\n" + RUN
    assert "leaves behind what is set of pandas" in notes(report(tmp_path, text, Pair.SKLEARN))
    assert "changes nothing yet" not in notes(report(tmp_path, text, Pair.RUNTIME))
    assert "changes nothing yet" in notes(report(tmp_path, HEAD + RUN, Pair.RUNTIME))


def test_a_state_for_which_nothing_is_ready_made_is_named_with_how_to_register_it(tmp_path):
    text = HEAD + "import socket\nsocket.setdefaulttimeout(3)\n" + RUN
    said = notes(report(tmp_path, text, Pair.RUNTIME))
    assert "socket.setdefaulttimeout (line 8) does not travel by itself: register_worker_state carries it" in said


RUN = "\ndef run(xs):\n    return Parallel(n_jobs=2)(delayed(work)(x) for x in xs)\n"


def test_a_pair_is_not_taken_from_a_library_that_has_none(tmp_path):
    text = dedent(HEAD + RUN)
    write({"m.py": text.encode()}, tmp_path)
    site = tmp_path / "env" / "lib" / "python3.11" / "site-packages" / "tpcp"
    site.mkdir(parents=True)
    (site / "parallel.py").write_text("def delayed(f): ...\n")
    python = tmp_path / "env" / "bin" / "python"
    settings = Settings(root=tmp_path, python=python, verify=False, delayed_from=Pair.TPCP, exclude=("env/",))
    (left,) = run([tmp_path / "m.py"], settings, load_rules(), _PORTS, fix=True).left
    assert "has no such pair: it takes tpcp 3 or later" in left.reason


def test_a_pair_that_sets_nothing_in_workers_of_ray_is_refused_there(tmp_path):
    pytest.importorskip("tpcp")
    register = "import ray.util.joblib\n\nray.util.joblib.register_ray()\n"
    assert "sets nothing in the workers of joblib's Ray backend" in refused(tmp_path, HEAD + register + RUN)


# --- delayed in front of the generator ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "made"),
    [
        (
            "return Parallel(2)(delayed(work)(x) for x in xs)",
            "delayed_work = delayed(work)\n    return Parallel(2)(delayed_work(x)",
        ),
        ("yield from Parallel(2)(delayed(work)(x) for x in xs)", "delayed_work = delayed(work)\n    yield from"),
        ("a = (delayed(work)(x) for x in xs if x)", "delayed_work = delayed(work)\n    a = (delayed_work(x)"),
        ("Parallel(2)(delayed(max)(x, y) for x in xs for y in xs)", "delayed_max = delayed(max)\n"),
        ("if xs:\n        return Parallel(2)(delayed(work)(x) for x in xs)", "        delayed_work = delayed(work)\n"),
    ],
)
def test_it_stands_in_front_of_the_statement(tmp_path, tasks, made):
    assert made in fixed(tmp_path, HEAD + f"\ndef run(xs):\n    {tasks}\n    Parallel(2)([])\n")


@pytest.mark.parametrize(
    "tasks",
    [
        "return Parallel(2)([delayed(work)(x) for x in xs])",
        "return Parallel(2)(map(delayed(work), xs))",
        "made = delayed(work)\n    return Parallel(2)(made(x) for x in xs)",
        "return Parallel(2)(t for t in [delayed(work)(x) for x in xs])",
    ],
)
def test_what_is_made_in_time_stays_as_it_is(tmp_path, tasks):
    text = HEAD + f"\ndef run(xs):\n    {tasks}\n"
    assert fixed(tmp_path, text) == dedent(text).replace("from joblib import", "from tpcp.parallel import")


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        ("return Parallel(2)(delayed(f)(1) for f in xs)", "each task has a function of its own"),
        ("return Parallel(2)(delayed(x.go)(1) for x in xs)", "each task has a function of its own"),
        ("return Parallel(2)(delayed(xs.go)(x) for x in xs)", "another object each time"),
        ("return Parallel(2)(delayed(xs[0])(x) for x in xs)", "may be another one for each"),
        ("return Parallel(2)(delayed(lambda y: y)(x) for x in xs)", "may be another one for each"),
        ("return Parallel(2)(delayed(work if x else max)(x) for x in xs)", "may be another one for each"),
        ("xs = work(xs)\n    return Parallel(2)(delayed(xs)(x) for x in [1])", "`xs` is bound more than once"),
        ("while Parallel(2)(delayed(work)(x) for x in xs):\n        pass", "in front of the statement"),
        ("with open(Parallel(2)(delayed(work)(x) for x in xs)):\n        pass", "in front of the statement"),
        ("for x in xs:\n        yield delayed(work)(x)\n    Parallel(2)([])", "generator function"),
        ("return Parallel(2)(map(lambda x: delayed(work)(x), xs))", "in a lambda"),
        ("Parallel(2)([])\n    return delayed(work)(xs)", "a function makes the tasks one by one"),
        ("return Parallel(2)(t for y in xs for t in (delayed(work)(x) for x in xs))", "a generator in a generator"),
        ("return Parallel(2, backend='multiprocessing')(delayed(work)(x) for x in xs)", "backend multiprocessing"),
        ("xs = xs; return Parallel(2)(delayed(work)(x) for x in xs)", "shares line"),
    ],
)
def test_it_stays_where_that_would_not_be_the_same(tmp_path, tasks, reason):
    assert reason in refused(tmp_path, HEAD + f"\ndef run(xs):\n    {tasks}\n")


def test_states_are_registered_at_module_level_or_not_at_all(tmp_path):
    late = """
        import sklearn

        def work(x):
            return x

        def run(xs):
            from joblib import Parallel, delayed
            sklearn.set_config(assume_finite=True)
            return Parallel(2)(delayed(work)(x) for x in xs)
    """
    assert "joblib is imported in a function" in refused(tmp_path, late)


# --- what is set ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "library"),
    [
        ("import sklearn\nsklearn.set_config(assume_finite=True)", "sklearn"),
        ("from sklearn import config_context as c\nwith c(): pass", "sklearn"),
        ("import pandas as pd\npd.options.display.max_rows = 7", "pandas"),
        ("import pandas as pd\npd.set_option('a', 1)", "pandas"),
        ("import numpy as np\nnp.seterr(all='raise')", "numpy"),
        ("import numpy as np\nwith np.printoptions(precision=2): pass", "numpy"),
        ("import warnings\nwarnings.simplefilter('error')", "warnings"),
        ("import logging\nlogging.getLogger('a').setLevel(3)", "logging"),
        ("import logging\nlog = logging.getLogger('a')\nlog.setLevel(3)", "logging"),
        ("import logging\nlogging.basicConfig(level=1)", "logging"),
        ("from decimal import getcontext\ngetcontext().prec = 6", "decimal"),
        ("import decimal\nc = decimal.getcontext()\nc.prec = 6", "decimal"),
        ("import torch\nwith torch.no_grad(): pass", ""),
        ("import decimal\nprint(decimal.getcontext().prec)", None),
        ("import pandas as pd\nprint(pd.options.display.max_rows)", None),
        ("import numpy as np\nprint(np.geterr())", None),
        ("class A: pass\nA().prec = 3", None),
        ("def set_config(): pass\nset_config()", None),
        ("import sklearn\nf = sklearn.set_config", None),
    ],
)
def test_what_is_set_is_seen_and_what_is_read_is_not(tmp_path, code, library):
    path = tmp_path / "m.py"
    path.write_text(code + "\n")
    facts = survey(read(path, explicit=True))
    assert isinstance(facts, Facts)
    assert {state.library for state in facts.states} == (set() if library is None else {library})


# --- real workers ---------------------------------------------------------------------------------------------------

SCRIPT = """
import decimal
import sys

import joblib
import sklearn
from joblib import Parallel, delayed


def seen(i):
    import time

    time.sleep(0.001)
    return sklearn.get_config()["assume_finite"], decimal.getcontext().prec


def listed(how):
    return list(Parallel(n_jobs=2, return_as=how)(delayed(seen)(i) for i in range(60)))


def failing(i):
    decimal.getcontext().prec += 1
    raise ValueError(i)


if __name__ == "__main__":
    with sklearn.config_context(assume_finite=True), decimal.localcontext() as context:
        context.prec = 9
        for how in ("list", "generator"):
            print(how, listed(how).count((True, 9)))
        try:
            Parallel(n_jobs=2)(delayed(failing)(i) for i in range(4))
        except ValueError as error:
            print(type(error).__name__)
    print("later", set(joblib.Parallel(n_jobs=2)([joblib.delayed(seen)(i) for i in range(8)])))
"""


@pytest.mark.parametrize("pair", [Pair.TPCP, Pair.RUNTIME])
def test_sixty_of_sixty_tasks_see_it_and_no_later_one(tmp_path, pair):
    if pair is Pair.TPCP:
        pytest.importorskip("tpcp")
    pytest.importorskip("sklearn")
    text = SCRIPT.replace('    print("later"', '    import joblib\n    print("later"').replace(
        "import joblib\nimport sklearn", "import sklearn"
    )
    found = report(
        tmp_path,
        text.replace("joblib.delayed", "plain_delayed")
        .replace("joblib.Parallel", "plain_parallel")
        .replace("    import joblib\n", "    from plain import plain_delayed, plain_parallel\n"),
        pair,
    )
    (tmp_path / "plain.py").write_text(
        "import joblib\nplain_parallel, plain_delayed = vars(joblib)['Parallel'], vars(joblib)['delayed']\n"
    )
    for change in found.changes:
        change.path.write_text(change.new)
    done = subprocess.run([sys.executable, "m.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["list 60", "generator 60", "ValueError", "later {(False, 28)}"], done.stderr
