"""What user code may use while it is proved, and that nothing of it is left: for real, with processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixpickle.verify.family import members
from fixpickle.verify.launch import Answered, Died

from .test_probe import begin, gone

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


@linux
def test_a_module_that_starts_process_after_process_is_stopped_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    text = "import subprocess, time\nwhile True:\n    subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
    ending = begin(tmp_path, text, processes=20)
    assert ending == Died("was killed for starting more than 20 processes", "")
    assert members(f"test{os.getpid()}") == []


@linux
def test_a_process_that_left_its_group_does_not_outlive_a_child_that_died(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    text = (
        "import os, subprocess\npid = subprocess.Popen(['sleep', '600'], start_new_session=True).pid\n"
        f"open({str(note)!r}, 'w').write(str(pid))\nos._exit(3)\n"
    )
    assert begin(tmp_path, text) == Died("ended with exit status 3", "")
    assert gone(int(note.read_text()))


def test_a_module_that_never_stops_writing_is_stopped(tmp_path: Path) -> None:
    text = "import os\nwhile True:\n    os.write(1, b'x' * (1 << 20))\n"
    assert begin(tmp_path, text) == Died("was killed for writing more than 64 MB of output", "")


TRY = """\
import json, socket
from contextlib import closing
seen = {}
with closing(socket.create_server(("127.0.0.1", 0))) as server:
    with closing(socket.create_connection(server.getsockname(), 5)):
        seen["loopback"] = True
with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as out:
    try:
        out.connect(("192.0.2.1", 9))  # a network of no one, TEST-NET-1
        seen["outside"] = True
    except OSError:
        seen["outside"] = False
open(NOTE, "w").write(json.dumps(seen))
"""


def test_the_network_is_off_where_that_can_be_and_loopback_works(tmp_path: Path) -> None:
    note = str(tmp_path / "seen")
    assert begin(tmp_path, TRY.replace("NOTE", repr(note)), network=True) == Answered()
    reachable = Path(note).read_text()
    ending = begin(tmp_path, TRY.replace("NOTE", repr(note)))
    assert ending == Answered()
    if "remark" in (tmp_path / "child" / "0.jsonl").read_text():
        assert Path(note).read_text() == reachable
    else:
        assert Path(note).read_text() == '{"loopback": true, "outside": false}'


POOL = """\
from multiprocessing import Pool

import waiting


def run(rows):
    with Pool(2) as pool:
        return pool.map(lambda row: row + 1, rows)
"""
WAITING = """\
import os, subprocess, time


def wait():
    pids = [os.getpid(), subprocess.Popen(["sleep", "600"]).pid]
    with open(NOTE + ".new", "w") as file:
        file.write(" ".join(map(str, pids)))
    os.replace(NOTE + ".new", NOTE)
    time.sleep(600)


DONE = wait()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_it_proves_nothing_is_left_and_every_file_is_whole(
    tmp_path: Path, how: signal.Signals, code: int
) -> None:
    tree, scratch, note = tmp_path / "tree", tmp_path / "scratch", tmp_path / "pids"
    tree.mkdir()
    scratch.mkdir()
    (tree / "pool.py").write_text(POOL)
    (tree / "waiting.py").write_text(WAITING.replace("NOTE", repr(str(note))))
    before = {path: path.read_bytes() for path in tree.iterdir()}
    run = subprocess.Popen(
        [sys.executable, "-m", "fixpickle", "apply", "--allow-dirty", str(tree)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "TMPDIR": str(scratch)},
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not note.exists():
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    run.send_signal(how)
    _, said = run.communicate(timeout=30)
    assert run.returncode == code, said
    assert "Traceback" not in said
    assert all(gone(int(pid)) for pid in note.read_text().split())
    assert {path: path.read_bytes() for path in tree.iterdir()} == before
    assert list(scratch.iterdir()) == []
