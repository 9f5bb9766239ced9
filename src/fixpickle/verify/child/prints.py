"""What must be equal on both sides of a crossing, and where a definition stood before it was moved."""

from __future__ import annotations

import dis
import inspect
import re
import types
from typing import Any, Dict, List, Optional, Tuple

from .failure import told
from .modules import named

try:
    from _blake2 import blake2b as _blake2b  # `hashlib` loads all of OpenSSL
except ImportError:
    from hashlib import blake2b as _blake2b


def fingerprint(thing: Any) -> List[Any]:
    """What must be equal on both sides: the same code, wherever the file lies, and the same parameters."""
    code = getattr(thing, "__code__", None)
    kind = getattr(thing, "__qualname__", None) or named(type(thing))
    return [kind, digest(_canonical(code)) if code else "", parameters(thing)]


def digest(text: str) -> str:
    """Stands for a long text: equal where the texts are, in interpreters of one kind."""
    return str(_blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest())


def _canonical(value: object) -> str:
    if isinstance(value, types.CodeType):
        parts = [value.co_name, value.co_code.hex(), value.co_names, value.co_varnames, value.co_freevars]
        return repr(parts) + _canonical(value.co_consts)
    if isinstance(value, (tuple, frozenset)):
        inner = [_canonical(v) for v in value]
        return repr(sorted(inner) if isinstance(value, frozenset) else inner)
    return repr(value)


def parameters(thing: Any) -> Optional[List[Any]]:
    """Names, kinds and whether there is a default: the reprs of defaults may hold addresses."""
    try:
        signature = inspect.signature(thing)
    except Exception:
        return None
    return [[p.name, int(p.kind), p.default is not p.empty] for p in signature.parameters.values()]


def shown(value: Any) -> Dict[str, str]:
    """What of an exception must be equal on both sides, by what it is called; nothing of anything else."""
    if not isinstance(value, BaseException):
        return {}
    parts = {"attribute %s" % name: value for name, value in vars(value).items()}
    return {"message": told(value), **{name: _stable(part) for name, part in [("args", value.args), *parts.items()]}}


def _stable(value: object) -> str:
    """A repr without what differs from process to process: addresses, and the order of sets."""
    if isinstance(value, (set, frozenset)):
        return "set of %s" % sorted(map(_stable, value))
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def find_code(whole: types.CodeType, name: str, line: int) -> Tuple[types.CodeType, str]:
    """The code object of a definition and its qualified name. Its decorators count, as for `co_firstlineno`."""
    found = []
    pending = [(whole, "")]
    while pending:
        code, prefix = pending.pop()
        for inner in code.co_consts:
            if isinstance(inner, types.CodeType):
                qualname = getattr(inner, "co_qualname", prefix + inner.co_name)
                local = ".<locals>." if inner.co_flags & inspect.CO_OPTIMIZED else "."
                pending.append((inner, qualname + local))
                if inner.co_name == name and inner.co_firstlineno <= line <= _last_line(inner):
                    found.append((inner.co_firstlineno, inner, qualname))
    if not found:
        raise LookupError("there is no %s at line %d of %s" % (name, line, whole.co_filename))
    return max(found, key=lambda f: f[0])[1:]


def _last_line(code: types.CodeType) -> int:
    lines = [line for _, line in dis.findlinestarts(code) if line]
    inner = [_last_line(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return max([code.co_firstlineno] + lines + inner)
