"""Arguments of Ray's calls that went: the edits that do without them."""

from __future__ import annotations

import ast

from fixpickle.model import ByCall, Edit, Source
from fixpickle.rewrite import require
from fixpickle.survey.facts import Facts, Reference
from fixpickle.survey.moved import Moved
from fixpickle.survey.names import Names
from fixpickle.survey.tree import Tree
from fixpickle_codemods._tune_calls import Rewritten

_FOLDER, _STORAGE = "local_dir", "storage_path"
_ABSOLUTE = frozenset({"os.path.abspath", "os.path.realpath", "tempfile.mkdtemp", "tempfile.gettempdir"})


def not_dropped(reference: Reference, known: Moved) -> str:
    """Why an argument has no exact counterpart, or an empty string."""
    exact = reference.argument in known.idle or _name(reference) == _FOLDER
    return "" if exact else f"instead: {known.instead}"


def without_argument(facts: Facts, source: Source, reference: Reference) -> Rewritten | str:
    """`local_dir` as `storage_path`, any other taken away; or why not."""
    tree = Tree(source)
    keyword = next(k for k in tree.of(ast.keyword) if tree.span(k) == reference.span)
    call = tree.parents[keyword]
    assert isinstance(call, ast.Call)
    if _name(reference) == _FOLDER:
        return _stored(facts, tree, call, keyword)
    edit = _dropped(tree, call, keyword)
    if edit is None:
        return "a comment stands beside it"
    callee = tree.code(call.func)
    at_hand = any(callee.partition(".")[0] in s.binds for s in facts.statements if s.kind == "import")
    subject = ByCall(facts.module, f"{callee}(None, {_name(reference)}=None)", f"{callee}(None)")
    return Rewritten((edit,), (subject,) if at_hand else ())


def _name(reference: Reference) -> str:
    return reference.symbol.rpartition("(")[2].removesuffix(")")


def _dropped(tree: Tree, call: ast.Call, keyword: ast.keyword) -> Edit | None:
    """One of several arguments, with the comma and the space that part it from the others."""
    spans = sorted(tree.span(part) for part in (*call.args, *call.keywords))
    own, place = tree.span(keyword), spans.index(tree.span(keyword))
    start = spans[place - 1].end if place == len(spans) - 1 and place else own.start
    end = spans[place + 1].start if place < len(spans) - 1 else own.end
    around = tree.text[start : own.start] + tree.text[own.end : end]
    return None if "#" in around else Edit(tree.source.path, start, end, "")


# --- local_dir ------------------------------------------------------------------------------------------------------


def _stored(facts: Facts, tree: Tree, call: ast.Call, keyword: ast.keyword) -> Rewritten | str:
    """`local_dir` might be relative to the working directory, or None; `storage_path` is absolute, or None."""
    if any(k.arg in (_STORAGE, "upload_dir", "sync_config", None) for k in call.keywords):
        return f"another argument may say where results go too: put one folder into {_STORAGE}"
    value, at, path = keyword.value, tree.span(keyword.value), tree.source.path
    start = tree.span(keyword).start
    renamed = Edit(path, start, start + len(_FOLDER), _STORAGE)
    names = Names(tree, facts.module, facts.package)
    made = isinstance(value, ast.Call) and names.of(value.func) in _ABSOLUTE
    if made or (isinstance(value, ast.Constant) and str(value.value).startswith(("/", "~"))):
        return Rewritten((renamed,), ())
    paths, inner = require(facts, tree.source, "os", "path"), tree.code(value)
    code = inner if isinstance(value, ast.Constant) else f"{paths.code}.expanduser({inner})"
    code = f"{paths.code}.abspath({code})"
    plain = isinstance(value, (ast.Name, ast.Attribute))
    whole = Edit(path, at.start, at.end, f"{inner} and {code}" if plain else code)
    return Rewritten((renamed, whole, *paths.edits), ())
