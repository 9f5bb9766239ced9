"""Blank lines that stay blank when code moves into a block. Imported where that happens."""

from __future__ import annotations

import libcst as cst


class Blank(cst.CSTTransformer):
    """Blank lines of a module count as indented by nothing; in a block that nothing would become white space."""

    def leave_EmptyLine(self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine) -> cst.EmptyLine:
        return updated_node if updated_node.comment else updated_node.with_changes(indent=False)
