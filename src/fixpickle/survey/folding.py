"""Expressions that were written over several lines, as one line."""

from __future__ import annotations

import ast
import io
import tokenize


def folded(code: str) -> str:
    """`code`, an expression, on one line and without its comments; empty where a string in it holds a line break."""
    if "\n" not in code and "\r" not in code:
        return code
    whole = f"({code}\n)"
    lines = whole.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(whole).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    one = " ".join(filter(None, (line.strip() for line in lines)))
    try:
        same = ast.dump(ast.parse(one, mode="eval")) == ast.dump(ast.parse(whole, mode="eval"))
    except SyntaxError:
        return ""
    return one[1:-1].strip() if same else ""
