"""RunReport -> JUnit XML: a test suite for each file, a test case for each finding.

What was fixed passes, what was only found or is left fails, what was taken back is an error, and so is a file that was
skipped. Source of the shape: the schema that Jenkins' xunit plugin publishes, junit-10.xsd.
"""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree

from fixpickle.model import RunReport
from fixpickle.report import View
from fixpickle.report.rows import Row, State, rows, shown

_FAILS = {State.TAKEN_BACK: "error", State.LEFT: "failure", State.FOUND: "failure"}


def render(report: RunReport, view: View) -> str:
    """The XML document. Paths count from `view.base`."""
    root = ElementTree.Element("testsuites", name="fixpickle")
    for path, group in groupby(rows(report), key=lambda row: row.finding.path):
        _suite(root, shown(path, view.base), list(group))
    for one in report.skipped:
        name = shown(one.path, view.base)
        suite = ElementTree.SubElement(root, "testsuite", name=name, tests="1", failures="0", errors="1")
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="read")
        ElementTree.SubElement(case, "error", message=_legal(one.reason), type="skipped")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ElementTree.Element, name: str, found: list[Row]) -> None:
    kinds = [_FAILS.get(row.state) for row in found]
    suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(found)))
    suite.set("failures", str(kinds.count("failure")))
    suite.set("errors", str(kinds.count("error")))
    for row, kind in zip(found, kinds, strict=True):
        span = row.finding.span
        where = f"{row.finding.rule} at {span}"
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=where)
        if kind:
            ElementTree.SubElement(case, kind, message=_legal(row.told), type=row.finding.rule)


def _legal(text: str) -> str:
    """XML 1.0 has no way to write most control characters."""
    return "".join(c if c in "\t\n\r" or " " <= c <= "\ud7ff" or c > "\udfff" else "\ufffd" for c in text)
