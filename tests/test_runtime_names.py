"""`fixpickle.runtime.names`: what hooks that it serves make of modules, streams and everything else."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import os.path
import pickle
import subprocess
import sys
import types
import xml.dom.minidom
from pathlib import Path

import pytest

from fixpickle.runtime.names import from_name, to_name

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Writer:
    """A class as `transient-attribute` leaves it."""

    stream = "the class' own"

    def __init__(self, codec=json, stream=sys.stdout):
        self.codec = codec
        self.stream = stream

    def __getstate__(self):
        state = self.__dict__.copy()
        to_name(state, "codec")
        to_name(state, "stream")
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        from_name(self, "codec")
        from_name(self, "stream")


class Loud(Writer):
    """A subclass that adds state of its own, and hooks that have those of the base do their part."""

    def __init__(self, volume):
        super().__init__()
        self.volume = volume

    def __getstate__(self):
        return {**super().__getstate__(), "volume": str(self.volume)}

    def __setstate__(self, state):
        super().__setstate__(state)
        self.volume = int(self.volume)


class Sayer(types.ModuleType):
    """A module that says itself what becomes of it, as lazy ones do."""

    def __reduce__(self):
        return str, ("said itself",)


@contextlib.contextmanager
def console():
    """A standard output like that of a program. Pytest sets its own anew between a fixture and the test."""
    with Path(os.devnull).open("w") as stream, contextlib.redirect_stdout(stream):
        yield stream


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("module", [json, os.path, xml.dom.minidom, sys])
def test_a_module_is_that_module_again_under_every_protocol(protocol, module):
    assert pickle.loads(pickle.dumps(Writer(module, None), protocol)).codec is module


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ["stdout", "stderr", "stdin"])
def test_a_standard_stream_is_that_of_its_name(protocol, name, monkeypatch):
    with Path(os.devnull).open() as stream:
        monkeypatch.setattr(sys, name, stream)
        assert pickle.loads(pickle.dumps(Writer(json, stream), protocol)).stream is stream


def test_in_another_process_a_stream_is_the_one_of_that_process():
    here = "import pickle, sys; from tests.test_runtime_names import Writer; "
    make = f"{here} sys.stdout.buffer.write(pickle.dumps(Writer(sys, sys.__stderr__)))"
    take = f"{here} w = pickle.loads(sys.stdin.buffer.read()); print(w.stream is sys.stderr, w.codec is sys)"
    parcel = subprocess.run([sys.executable, "-c", make], capture_output=True, check=True).stdout
    got = subprocess.run([sys.executable, "-c", take], input=parcel, capture_output=True, check=True)
    assert got.stdout.split() == [b"True", b"True"]


def test_what_is_loaded_needs_no_name_of_ours_for_a_module():
    assert b"_Named" not in pickle.dumps(Writer(json, None))
    assert b"_fixpickle" not in pickle.dumps(Writer(json, None))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_share_the_very_objects(copied):
    with console() as stream:
        again = copied(Writer(json, stream))
        assert vars(again) == {"codec": json, "stream": stream}
        loud = Loud(3)
        loud.stream = stream
        assert vars(copied(loud)) == {"codec": json, "stream": stream, "volume": 3}


def test_a_shallow_copy_shares_what_cannot_be_pickled():
    strange = types.ModuleType("json")
    assert copy.copy(Writer(strange, None)).codec is strange


def test_pickling_does_not_touch_the_live_instance():
    with console() as stream:
        writer = Writer(json, stream)
        pickle.dumps(writer)
        assert vars(writer) == {"codec": json, "stream": stream}


def test_a_deleted_attribute_stays_deleted():
    writer = Writer()
    del writer.codec, writer.stream
    again = pickle.loads(pickle.dumps(writer))
    assert vars(again) == {}
    assert again.stream == "the class' own"


@pytest.mark.parametrize("value", [None, 3, "stdout", [1], io.StringIO("text").getvalue(), len, dict])
def test_anything_else_goes_as_it_is(value):
    assert pickle.loads(pickle.dumps(Writer(value, value))).codec == value


def test_a_stream_in_memory_is_pickled_with_its_text_even_where_output_goes_to_it():
    memory = io.StringIO()
    with contextlib.redirect_stdout(memory):
        print("kept")
        again = pickle.loads(pickle.dumps(Writer(json, memory)))
    assert again.stream.getvalue() == "kept\n"


def test_the_real_stream_crosses_while_output_goes_elsewhere(monkeypatch):
    with Path(os.devnull).open("w") as real:
        monkeypatch.setattr(sys, "__stdout__", real)
        with contextlib.redirect_stdout(io.StringIO()):
            assert pickle.loads(pickle.dumps(Writer(json, real))).stream is real


def test_a_module_that_pickles_in_its_own_way_does_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sayer", Sayer("sayer"))
    assert pickle.loads(pickle.dumps(Writer(sys.modules["sayer"], None))).codec == "said itself"


@pytest.mark.parametrize(
    "module",
    [
        types.ModuleType("made_by_hand"),
        types.ModuleType("json"),
        sys.modules["__main__"],
    ],
    ids=["not imported", "another one of that name", "main"],
)
def test_a_module_that_its_name_does_not_lead_to_fails_as_it_did(module):
    with pytest.raises(TypeError, match="cannot pickle 'module' object"):
        pickle.dumps(Writer(module, None))


def test_a_file_that_is_no_standard_stream_fails_as_it_did():
    with Path(os.devnull).open() as file, pytest.raises(TypeError, match=r"cannot pickle '.*TextIOWrapper'"):
        pickle.dumps(Writer(json, file))


@functools.cache
def remembered(value):
    return [value]


class Cached(Writer):
    """Keeps a cache of its own method under that method's name."""

    def __init__(self, size):
        super().__init__(functools.lru_cache(size, typed=True)(self.codec), None)

    def codec(self, value):
        return [value, self.stream]


@pytest.mark.skipif(sys.version_info < (3, 9), reason="a cache does not tell its parameters")
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [None, 0, 7])
def test_a_cached_function_is_of_the_same_function_and_empty(protocol, size):
    cached = Cached(size)
    cached.codec(1)
    again = pickle.loads(pickle.dumps(cached, protocol))
    assert again.codec.cache_parameters() == {"maxsize": size, "typed": True}
    assert again.codec.cache_info().currsize == 0
    assert again.codec.__wrapped__.__self__ is again
    assert again.codec(2) == [2, None]


def test_a_copy_shares_a_cache_as_it_did():
    cached = Cached(3)
    assert copy.copy(cached).codec is cached.codec is copy.deepcopy(cached).codec


def test_a_cached_function_that_its_name_leads_to_is_itself():
    assert pickle.loads(pickle.dumps(Writer(remembered, None))).codec is remembered


def test_a_cache_of_what_cannot_be_pickled_fails():
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(Writer(functools.lru_cache(lambda: 1), None))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_dictionary_keeps_them_among_its_values(protocol):
    options = {"codec": json, "size": 3, "rows": [1]}
    again = pickle.loads(pickle.dumps(Writer(options, None), protocol))
    assert again.codec == options and list(again.codec) == list(options)
    assert type(again.codec) is dict


def test_copies_of_a_dictionary_share_what_they_shared():
    writer = Writer({"codec": json, "rows": [1]}, None)
    assert copy.copy(writer).codec is writer.codec
    deep = copy.deepcopy(writer)
    assert deep.codec == writer.codec and deep.codec is not writer.codec
    assert deep.codec["rows"] is not writer.codec["rows"]
    plain = Writer({"rows": [1]}, None)
    assert copy.deepcopy(plain).codec["rows"] is not plain.codec["rows"]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))])
def test_two_attributes_that_are_one_dictionary_stay_one(again):
    options = {"codec": json}
    made = again(Writer(options, options))
    assert made.codec is made.stream
    assert made.codec == options


def test_hooks_of_a_subclass_find_what_they_know():
    loud = Loud(7)
    loud.stream = None
    again = pickle.loads(pickle.dumps(loud))
    assert (again.volume, again.codec) == (7, json)


def test_one_pickle_holds_one_instance_once():
    writer = Writer(json, None)
    writer.itself = writer
    again = pickle.loads(pickle.dumps([writer, writer]))
    assert again[0] is again[1] is again[0].itself
