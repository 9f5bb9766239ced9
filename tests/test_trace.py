"""A program under the recorder: what fails in it and in its processes is written down, and the program is as it was."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fixpickle.trace.record import SCHEMA, Failure, Record, from_file, to_json
from fixpickle.trace.run import unrecorded

EVERY = 61  # of so many small payloads one is looked at where there are many

FIXPICKLE = [sys.executable, "-m", "fixpickle"]
PUBLISHED = Path(__file__).parent.parent / "docs" / "schemas" / f"trace-{SCHEMA}.json"
CLASSES = """
import copy, functools, multiprocessing as mp, pickle, sys, threading
from concurrent.futures import ProcessPoolExecutor

class Service:
    def __init__(self):
        self.lock = threading.Lock()  # made here

    def work(self, x):
        return x

class Bad(Exception):
    def __init__(self, one, two):
        super().__init__(one)

def gives_lambda(x):
    return lambda: x  # made there

def raises(x):
    raise Bad(1, 2)

def tried(call, *args):
    try:
        return call(*args)
    except Exception as error:
        print(type(error).__name__)
"""


def traced(
    folder: Path, text: str, *words: str, options: tuple[str, ...] = (), **environ: str
) -> tuple[Record, subprocess.CompletedProcess[str]]:
    """The record of a script run under `fixpickle trace`, and how that ended."""
    (folder / "prog.py").write_text(CLASSES + text)
    command = [*FIXPICKLE, "trace", "--time-limit", "60", *options, "--", sys.executable, "prog.py", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environ})
    record = from_file(folder / "fixpickle-trace.json")
    assert isinstance(record, Record), (record, done.stderr)
    jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text())).validate(json.loads(to_json(record)))
    return record, done


def line_of(folder: Path, mark: str) -> int:
    lines = (folder / "prog.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if mark in line)


def told(failure: Failure) -> tuple[str, str, str]:
    return failure.kind, failure.culprits[0].path, failure.culprits[0].what


# --- what is recorded -----------------------------------------------------------------------------------------------

ALIKE = """
import _pickle, io
bad = Service()
tried(pickle.dumps, bad)
tried(lambda: pickle.dump(bad, io.BytesIO()))
tried(lambda: pickle.Pickler(io.BytesIO()).dump(bad))
tried(lambda: pickle._Pickler(io.BytesIO()).dump(bad))
tried(lambda: _pickle.dumps(bad))
tried(lambda: _pickle.Pickler(io.BytesIO()).dump(bad))
tried(copy.deepcopy, {"k": bad})
"""


def test_every_way_to_pickle_is_recorded_with_the_line_that_made_the_leaf(tmp_path: Path) -> None:
    record, done = traced(tmp_path, ALIKE)
    assert done.stdout.split() == ["TypeError"] * 7
    dumps = [told(f) for f in record.failures if f.kind == "dump"]
    assert dumps == [("dump", "Service.lock", "a _thread.lock")] * 6
    assert [told(f) for f in record.failures if f.kind == "copy"] == [("copy", "dict['k'].lock", "a _thread.lock")]
    made = {(Path(c.made.path).name, c.made.line) for f in record.failures for c in f.culprits if c.made}
    assert made == {("prog.py", line_of(tmp_path, "# made here"))}
    first = next(f for f in record.failures if f.pickler == "pickle.dumps")
    assert first.site is not None and first.site.line == line_of(tmp_path, "return call(*args)")
    assert [call.function for call in first.stack[:2]] == ["tried", "<module>"]


POOLS = """
def main(method):
    context = mp.get_context(method)
    queue = context.Queue()
    queue.put({"a": lambda: 0})  # lost
    with context.Pool(2) as pool:
        tried(lambda: pool.map(Service().work, [1]))  # pool
        tried(lambda: pool.map(gives_lambda, [1]))
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        tried(lambda: pool.submit(gives_lambda, 1).result())
        tried(lambda: pool.submit(gives_lambda, threading.Lock()).result())  # submitted
        tried(lambda: pool.submit(raises, 1).result())
    sys.exit(3)

if __name__ == "__main__":
    main(sys.argv[1])
"""
METHODS = [m for m in ("fork", "spawn", "forkserver") if m in __import__("multiprocessing").get_all_start_methods()]


@pytest.mark.parametrize("method", METHODS)
def test_failures_in_workers_and_threads_are_recorded_swallowed_ones_too(method: str, tmp_path: Path) -> None:
    record, done = traced(tmp_path, POOLS, method)
    assert done.returncode == record.exit == 3
    assert "BrokenProcessPool" in done.stdout
    found = {told(f): f for f in record.failures}
    lost = found["dump", "dict['a']", "main.<locals>.<lambda>"]
    assert lost.silent and lost.site is not None and lost.site.line == line_of(tmp_path, "# lost")
    sent = found["dump", "Service.work.__self__.lock", "a _thread.lock"]
    assert not sent.silent and sent.site is not None and sent.site.line == line_of(tmp_path, "# pool")
    assert sent.site.through.endswith("map") and sent.culprits[0].holder == "__main__:Service"
    results = [f for f in record.failures if f.culprits[0].what == "gives_lambda.<locals>.<lambda>"]
    assert len(results) == 2, "one of each pool"
    assert {c.made.line for f in results for c in f.culprits if c.made} == {line_of(tmp_path, "# made there")}
    bad = found["load", "__main__.Bad", "__main__.Bad"]
    assert bad.culprits[0].made is not None and bad.culprits[0].made.line == line_of(tmp_path, "class Bad")
    argument = next(f for f in record.failures if f.culprits[0].path.startswith("_CallItem.args"))
    assert argument.site is not None and argument.site.line == line_of(tmp_path, "# submitted")


KEPT = """
import io
buffer, errors = io.BytesIO(b"no pickle"), []
try:
    pickle.loads(buffer.getbuffer())
except Exception as error:
    errors.append(error)
buffer.close()  # fails while anybody has a view of it
print(len(errors))
"""


def test_an_error_that_is_kept_does_not_keep_what_was_to_be_loaded(tmp_path: Path) -> None:
    """A view that an error keeps ended the process at its exit, up to Python 3.12.3."""
    _, done = traced(tmp_path, KEPT)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


JOBLIB = """
import joblib
if __name__ == "__main__":
    tried(lambda: joblib.Parallel(2)(joblib.delayed(Service().work)(i) for i in range(2)))
    tried(lambda: joblib.Parallel(2)(joblib.delayed(gives_lambda)(i) for i in range(2)))
    tried(lambda: joblib.hash(Service()))
"""


def test_joblib_and_its_workers_are_recorded(tmp_path: Path) -> None:
    record, _ = traced(tmp_path, JOBLIB)
    names = [told(f)[1] for f in record.failures]
    assert "Service.work.__self__.lock" in names and "Service.lock" in names
    assert record.processes > 2, "loky's workers are among them"


MOST = """
class Model:
    def __init__(self):
        self.table = list(range(20_000))

    def score(self, x):
        return x

def plain(x):
    return x

if __name__ == "__main__":
    with mp.Pool(2) as pool:
        pool.map(plain, range(4), 1)
        pool.map(Model().score, range(4), 1)  # all of it
"""


def test_what_ships_all_of_self_shows(tmp_path: Path) -> None:
    record, done = traced(tmp_path, MOST)
    top = record.payloads[0]
    assert top.site.line == line_of(tmp_path, "# all of it") and top.count == 4
    assert top.bytes > 4 * 40_000 and 0 < top.seconds < 10 and top.largest <= top.bytes
    assert "Model.score ships all of its Model" in top.what and "ships all of" in done.stderr
    assert not record.failures and "nothing failed" in done.stderr


def test_the_same_failure_is_counted_and_not_told_again(tmp_path: Path) -> None:
    text = "for _ in range(50):\n    tried(pickle.dumps, Service())\n"
    record, done = traced(tmp_path, text)
    assert [f.count for f in record.failures] == [50] and "(50 times)" in done.stderr


FORKED = """
def fails():
    tried(pickle.dumps, Service())

if __name__ == "__main__":
    for _ in range(5):
        fails()
    child = mp.get_context("fork").Process(target=lambda: [fails() for _ in range(6)])
    child.start()
    child.join()
"""


@pytest.mark.skipif("fork" not in METHODS, reason="no fork here")
def test_the_same_failure_is_counted_anew_in_a_process_that_was_forked(tmp_path: Path) -> None:
    record, _ = traced(tmp_path, FORKED)
    assert [(f.count, f.processes) for f in record.failures] == [(11, 2)]


MANY = """
large = bytes(10_000)
for _ in range(5_000):
    pickle.dumps(1)  # small
for _ in range(30):
    pickle.dumps(large)  # large
for number in range(1_000):
    pickle.dumps(number, protocol=2, fix_imports=False)  # other
"""


def test_of_many_small_payloads_one_stands_for_all_and_large_ones_are_all_counted(tmp_path: Path) -> None:
    record, _ = traced(tmp_path, MANY)
    found = {payload.site.line: payload for payload in record.payloads}
    small, large, other = (found[line_of(tmp_path, mark)] for mark in ("# small", "# large", "# other"))
    each = len(pickle.dumps(bytes(10_000)))
    assert (large.count, large.bytes, large.largest) == (30, 30 * each, each)
    assert 0 < large.seconds < small.seconds * 100 and small.bytes == small.count * len(pickle.dumps(1))
    assert 6_000 - 2 * EVERY <= small.count + other.count <= 6_000
    assert 5_000 - EVERY <= small.count <= 5_000 + EVERY


def test_where_the_sources_do_not_tell_memory_does(tmp_path: Path) -> None:
    text = "made = [threading.Lock() for _ in range(1)]  # hidden\ntried(pickle.dumps, {'k': made})\n"
    plain, _ = traced(tmp_path, text)
    assert plain.failures[0].culprits[0].made is None
    record, _ = traced(tmp_path, text, options=("--allocations",))
    made = record.failures[0].culprits[0].made
    assert made is not None and (made.line, made.by) == (line_of(tmp_path, "# hidden"), "allocation")


# --- the program is as it was ---------------------------------------------------------------------------------------

SAME = """
import _pickle, inspect, io
from pickle import dumps

class Kept:
    dumps, loads = pickle.dumps, pickle.loads

class Own(pickle.Pickler):
    def persistent_id(self, obj):
        return "it" if obj is Kept else None

kept = Kept()
assert pickle.loads(kept.dumps([1])) == [1], "a class's attribute that is no method of it"
for name in ("dumps", "loads", "dump", "load"):
    assert pickle.loads(pickle.dumps(getattr(pickle, name))) is getattr(pickle, name)
assert pickle.loads(pickle.dumps(pickle.Pickler)) is pickle.Pickler is _pickle.Pickler
assert pickle.dumps([1], protocol=2) == pickle.dumps(obj=[1], protocol=2)
out = io.BytesIO()
Own(out).dump([Kept])
assert isinstance(Own(out), pickle.Pickler) and b"it" in out.getvalue()
pickle.dump([2], file=out, protocol=4)
assert copy.deepcopy(x=[[1]]) == [[1]]
try:
    pickle.loads(b"")
except EOFError:
    pass
if sys.argv[1:]:
    import importlib, subprocess
    tool = importlib.import_module(sys.argv[1])
    for thing in (pickle.dumps, {"k": pickle.loads}, copy.deepcopy, lambda x: dumps(x)):
        load = "import importlib, sys; importlib.import_module(sys.argv[1]).loads(sys.stdin.buffer.read())"
        subprocess.run([sys.executable, "-I", "-c", load, sys.argv[1]], input=tool.dumps(thing), check=True)
assert not any("fixpickle" in entry for entry in sys.path)
"""


@pytest.mark.parametrize("library", ["", "cloudpickle", "dill"])
def test_the_patched_functions_are_used_as_before(library: str, tmp_path: Path) -> None:
    """What they are pickled to is loaded where nothing records, too."""
    if library:
        pytest.importorskip(library)
    record, done = traced(tmp_path, SAME, *filter(None, [library]))
    assert (done.returncode, record.failures) == (0, ()), done.stderr


def test_an_own_sitecustomize_still_runs(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sitecustomize.py").write_text("print('mine')\n")
    _, done = traced(tmp_path, "tried(pickle.dumps, Service())\n", PYTHONPATH=str(tmp_path / "mine"))
    assert done.stdout.split() == ["mine", "mine", "TypeError"], "once in fixpickle's own process"


def test_isolated_mode_says_that_it_keeps_the_recorder_out(tmp_path: Path) -> None:
    command = [*FIXPICKLE, "trace", "--", sys.executable, "-I", "-c", "import pickle"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "python -I keeps the recorder out" in done.stderr
    assert unrecorded(["python", "-Bs", "x.py", "-I"]) == "" and unrecorded(["python3", "-BE", "x.py"]) == "-E"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--", "-m", "pack"], 7),
        (["pack/__main__.py", "-q", "--output"], 7),
        (["no-such-program"], 2),
        ([sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"], 128 + 15),
    ],
)
def test_the_exit_code_is_the_programs(words: list[str], code: int, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__main__.py").write_text("raise SystemExit(7)\n")
    done = subprocess.run([*FIXPICKLE, "trace", "-q", *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code, done.stderr


def test_the_time_limit_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    start = "child = mp.get_context('fork').Process(target=time.sleep, args=(60,))\nchild.start()\n"
    text = f"import multiprocessing as mp, time\n{start}print(child.pid, flush=True)\ntime.sleep(60)\n"
    (tmp_path / "prog.py").write_text(text)
    command = [*FIXPICKLE, "trace", "--time-limit", "1", "--", sys.executable, "prog.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 124 and "was stopped by the time limit" in done.stderr
    status = Path(f"/proc/{done.stdout.strip()}/stat")
    deadline = time.monotonic() + 5
    while status.exists() and status.read_text().split()[2] != "Z":  # dead, and nobody has asked for it yet
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _heed_interrupts() -> None:
    """A shell has what it runs in the background ignore them, and processes inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("options", [[], ["--time-limit", "50"]], ids=["shared", "apart"])
def test_an_interrupt_ends_it_and_keeps_what_was_recorded(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text(CLASSES + "tried(pickle.dumps, Service())\nimport time\ntime.sleep(60)\n")
    command = [*FIXPICKLE, "trace", *options, "--", sys.executable, "-u", "prog.py"]
    run = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_heed_interrupts,
    )
    assert run.stdout is not None and run.stdout.readline() == b"TypeError\n"
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    _, said = run.communicate(timeout=20)
    assert run.returncode == 130 and b"Service.lock" in said and b"internal error" not in said
    assert isinstance(from_file(tmp_path / "fixpickle-trace.json"), Record)


def test_the_page_shows_what_is_really_said(tmp_path: Path) -> None:
    page = (PUBLISHED.parent.parent / "trace.md").read_text("utf-8")
    blocks = re.findall(r"^```(?:python|text)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    script, said = blocks[:2]
    (tmp_path / "report.py").write_text(script, "utf-8")
    command = [*FIXPICKLE, "trace", "--python", sys.executable, "report.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    real = re.sub(r"\d\.\d s", "0.2 s", done.stderr[done.stderr.index("report.py:8: ") :])
    assert _steady(real) == _steady(said)


def _steady(text: str) -> list[str]:
    """How many tasks were sent before the first failure came back, and how many workers were told to end, depends.

    So does what is pickled most and where: from Python 3.14 a pool's processes are pickled too, to start them.
    """
    most = re.sub(r"(?m)^(pickled most:\n)(?:    .*\n)+", r"\1", text)
    most = most.replace("pool.Pool.", "pool.")  # before Python 3.11 code does not know the class it is in
    varying = r" \(\d times\)|^\d failures|: \d+ times?.*|in \d process(es)?"
    return [re.sub(varying, "", line) for line in most.splitlines()]


# --- the file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("[]", "not a record"),
        ('{"schema": 9, "failures": []}', "a record of schema 9"),
        ('{"schema": 1, "failures": [{}]}', "not a record"),
    ],
)
def test_what_is_no_record_is_refused_with_the_reason(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    found: Any = from_file(tmp_path / "r.json")
    assert reason in found.reason
