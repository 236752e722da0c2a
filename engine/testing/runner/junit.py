"""Results as JUnit XML, as CI servers read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from engine.testing.runner.session import CaseResult, TestReport

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: TestReport) -> str:
    """One suite per file, one case per test; a failure has its sentences as text."""
    suites = [_suite(file, list(results)) for file, results in groupby(report.results, lambda r: r.case.file)]
    head = _counts(report.results, report.seconds)
    begin = f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="tillflow" {head}>\n'
    return f"{begin}{''.join(suites)}</testsuites>\n"


def _suite(file: str, results: Sequence[CaseResult]) -> str:
    head = _counts(results, sum(result.seconds for result in results))
    cases = "".join(map(_case, results))
    return f"  <testsuite name={_attribute(file)} {head}>\n{cases}  </testsuite>\n"


def _counts(results: Sequence[CaseResult], seconds: float) -> str:
    failures = sum(not result.passed for result in results)
    return f'tests="{len(results)}" failures="{failures}" errors="0" skipped="0" time="{seconds:.3f}"'


def _case(result: CaseResult) -> str:
    case = result.case
    subject = case.subject.mapping or case.subject.route
    head = (
        f"    <testcase classname={_attribute(subject)} name={_attribute(told_name(result))} file={_attribute(case.file)} "
        f'line="{case.mark.line}" time="{result.seconds:.3f}"'
    )
    if result.passed:
        return f"{head}/>\n"
    text = "\n".join((f"{case.file}:{case.mark.line}", *result.problems, *result.notes))
    message = _attribute(result.problems[0])
    return f"{head}>\n      <failure message={message}>{escape(_clean(text))}</failure>\n    </testcase>\n"


def told_name(result: CaseResult) -> str:
    """The name of a test, with the scope it ran in."""
    return f"{result.case.name} [{result.scope}]" if result.scope else result.case.name


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)
