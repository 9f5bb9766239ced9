"""A number in a file, and threads of several processes that add to it."""

import multiprocessing
import os
import threading
import time
from pathlib import Path

PROCESSES, THREADS, ROUNDS = 2, 2, 6


def add_one(path):
    """Reads, takes its time, and writes: without mutual exclusion, updates are lost."""
    number = int(path.read_text())
    time.sleep(0.05)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    fresh.write_text(str(number + 1))
    fresh.replace(path)


def work(counter):
    """What each process does: threads that add, one as often as another."""
    threads = [threading.Thread(target=counter.add, args=(ROUNDS,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def work_together(counter, start):
    start.wait()
    work(counter)


def race(counter):
    """Sends the counter to processes that start together. They are spawned, so it is pickled."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES)
    processes = [context.Process(target=work_together, args=(counter, start)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def tell(path: Path):
    counted, wanted = int(path.read_text()), PROCESSES * THREADS * ROUNDS
    print("no update was lost" if counted == wanted else f"updates were lost: {counted} of {wanted} are left")
