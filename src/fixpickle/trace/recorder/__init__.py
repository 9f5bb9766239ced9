"""The recorder: inside every Python process of a traced program, writes down what is pickled and what cannot be.

Standard library alone, any CPython from 3.8; nobody of ours imports it. `hook/sitecustomize.py` loads this folder as a
package of another name. `pickle` and `copy` are patched when the program first imports them, before anything can derive
a class from their picklers, so that multiprocessing, concurrent.futures, joblib, loky, cloudpickle and Ray all come
through here. A process that pickles nothing loads `install`, `log` and `watch` of it alone.

Each process appends lines of JSON to a file of its own. A line is {"begin": ...} for the process, {"main": ...} for its
script, {"failed": ...} for a failure, {"again": ...} for more of one that was told before, {"sites": [...]} with what
was pickled where since the last such line, or {"problem": ...}.
"""
