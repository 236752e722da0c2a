"""Findings as text with excerpts for people, and as JSON, SARIF and GitHub annotations for machines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from engine.config.excerpt import excerpt, printable
from engine.core.codes import catalogue
from engine.core.findings import Finding, Mark
from engine.core.jsonx import encode

_COLOURS: Final = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "bold": "\x1b[1m", "dim": "\x1b[34m"}
_RESET: Final = "\x1b[0m"
_SHORT: Final = 80  # characters of an example that stands in the finding itself
_END: Final = re.compile(r"\. (?=[A-Z`$])")  # of a sentence; not of `31.12. after`


def as_text(
    findings: Sequence[Finding], sources: Mapping[str, bytes], *, width: int = 100, colour: bool = False
) -> str:
    """For people: what, where with the excerpt and a caret, what to do, why, and where an example is.

    sources   bytes of the files by path; a file that is not in it is told without an excerpt
    width     columns of the terminal: excerpts are cut to it
    """
    return "".join(_one(finding, sources, width, colour) + "\n" for finding in findings)


def _one(finding: Finding, sources: Mapping[str, bytes], width: int, colour: bool) -> str:
    def paint(text: str, name: str) -> str:
        return f"{_COLOURS[name]}{text}{_RESET}" if colour else text

    head = paint(f"{finding.severity}[{finding.code}]", finding.severity)
    lines = [f"{head}: {paint(printable(finding.message), 'bold')}", f"  {paint('-->', 'dim')} {where(finding.mark)}"]
    shown = excerpt(finding.mark, sources.get(finding.mark.file), width)
    for gutter, text, is_caret in shown:
        body = paint(text, finding.severity) if is_caret else text
        lines.append(f"{paint(gutter, 'dim')} {body}".rstrip())
    for mark in finding.also:
        lines.append(f"  {paint('also', 'dim')} {where(mark)}")
        for gutter, text, is_caret in excerpt(mark, sources.get(mark.file), width, context=0):
            body = paint(text.replace("^", "-"), "dim") if is_caret else text
            lines.append(f"{paint(gutter, 'dim')} {body}".rstrip())
    if finding.help:
        lines.append(f"  {paint('help', 'bold')}: {printable(finding.help)}")
    page = catalogue().get(finding.code)
    if page is not None:
        lines.append(f"  {paint('why', 'bold')}: {_first_sentence(page.why)}")
    lines.append(f"  {paint('example', 'bold')}: {_example(finding.code, page.right if page is not None else '')}")
    return "\n".join(lines) + "\n"


def where(mark: Mark) -> str:
    """`file:line:column`, as terminals and editors understand it."""
    return f"{printable(mark.file)}:{mark.line}:{mark.column}"


def _first_sentence(text: str) -> str:
    flat = " ".join(text.split())
    end = _END.search(flat)
    return flat if end is None else flat[: end.start() + 1]


def _example(code: str, right: str) -> str:
    """The right way where one line shows it, and the command that shows all of the page."""
    line, more = right.strip(), f"tillflow explain {code}"
    return f"{line}  ({more})" if line and "\n" not in line and len(line) <= _SHORT else more


def as_json(findings: Sequence[Finding]) -> str:
    """`{"findings": [{"code", "severity", "file", "line", "column", "message", "help", "suggestion"}]}`."""
    return _pretty({"findings": [finding.as_dict() for finding in findings]})


def _pretty(value: Any) -> str:
    return msgspec.json.format(encode(value), indent=2).decode()


def as_sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0, one run."""
    codes = sorted({finding.code for finding in findings})
    driver = {"name": "tillflow", "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.code)) for finding in findings],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return _pretty({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    page = catalogue().get(code)
    rule: dict[str, Any] = {"id": code}
    if page is not None:
        rule["shortDescription"] = {"text": page.title}
        rule["fullDescription"] = {"text": page.why}
        rule["help"] = {"text": f"Wrong:\n{page.wrong}\n\nRight:\n{page.right}"}
    return rule


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    text = finding.message + (f". {finding.help}" if finding.help else "")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": text},
        "locations": [_location(finding.mark)],
    }
    if finding.also:
        result["relatedLocations"] = [_location(mark) for mark in finding.also]
    return result


def _location(mark: Mark) -> dict[str, Any]:
    region = {"startLine": mark.line, "startColumn": mark.column}
    if mark.end_column > mark.column:
        region["endColumn"] = mark.end_column
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(mark.file)}, "region": region}}


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path)


def as_github(findings: Sequence[Finding]) -> str:
    """Workflow commands that GitHub shows beside the lines of a change."""
    return "".join(_command(finding) for finding in findings)


def _command(finding: Finding) -> str:
    mark = finding.mark
    properties = {"file": mark.file, "line": str(mark.line), "col": str(mark.column)}
    if mark.end_column > mark.column:
        properties["endColumn"] = str(mark.end_column)
    properties["title"] = finding.code
    told = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    text = finding.message + (f"\n{finding.help}" if finding.help else "")
    return f"::{finding.severity} {told}::{_escaped(text)}\n"


def _escaped(text: str, more: str = "") -> str:
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text
