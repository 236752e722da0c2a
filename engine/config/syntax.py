"""libyaml's syntax errors in our words, at the place where a person has to change something."""

from __future__ import annotations

import re
from typing import Any

from engine.config.document import Marks
from engine.config.expressions import is_cut_short
from engine.core.findings import Finding

_OPENED = re.compile(r"""^[ ]*(?:- +)?[\w.$-]+:[ ]+(["'])""", re.MULTILINE)
_IN_DOUBLE = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_IN_SINGLE = re.compile(r"'(?:[^']|'')*'")
_NO_SPACE = re.compile(r"^\s*(?:- +)?([A-Za-z_][\w-]*):(?=\S)")
_WORD_ALONE = re.compile(r"\s*(?:- +)?([A-Za-z_][\w-]*)\s*")
_QUOTED_START = re.compile(r"""^\s*(?:- +)?(?:[\w.-]+:\s+)?(?:- +)?(["'\[{])""")


def quoted(text: str) -> str:
    """The text as a double-quoted YAML scalar."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def syntax_finding(marks: Marks, error: Any) -> Finding:
    """One Finding for the error that ended the reading of a file."""
    problem = error.problem or "this is not YAML"
    at = min((error.problem_mark or error.context_mark).index, len(marks.text))
    start = error.context_mark.index if error.context_mark is not None else at
    tells = (
        _runaway_quote,
        _split_expression,
        _tab,
        _unclosed_quote,
        _colon,
        _no_colon,
        _bracket,
        _first_character,
        _escape,
        _after_quoted,
        _document,
    )
    for tell in tells:
        finding = tell(marks, problem, at, start)
        if finding is not None:
            return finding
    return _general(marks, problem, error.context or "", at, start)


def _no_colon(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    """`steps` alone on its line, with what belongs under it below."""
    if "could not find expected ':'" not in problem:
        return None
    begin, line = _line_of(marks.text, start)
    word = _WORD_ALONE.fullmatch(line)
    if word is None:
        return None
    place = marks.at(begin + word.start(1), begin + word.end(1))
    return Finding("TF1001", f"`{word[1]}` has no colon behind it", place, f"write `{word[1]}:`", f"{word[1]}:")


def _line_of(text: str, index: int) -> tuple[int, str]:
    begin = text.rfind("\n", 0, index) + 1
    end = text.find("\n", index)
    return begin, text[begin : end if end >= 0 else len(text)].rstrip("\r")


def _runaway_quote(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    """A quote opened in a value, and closed by the one that opens another text lines below."""
    text = marks.text
    for match in _OPENED.finditer(text, 0, at):
        quote, place = match[1], match.start(1)
        closing = (_IN_SINGLE if quote == "'" else _IN_DOUBLE).match(text, place)
        if closing is None or "\n" not in closing[0] or closing.end() > at + 1:
            continue
        rest = text[closing.end() :].partition("\n")[0].strip()
        if rest and not rest.startswith("#"):
            message = f"the quote {quote} is opened here and not closed on this line"
            return Finding("TF1043", message, marks.at(place), "close the quote")
    return None


def _split_expression(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    """Inside a list or block on one line, an expression was cut at its comma, bracket or brace."""
    text = marks.text
    place = start if "quoted scalar" in problem or "end of stream" in problem else at
    opened = _flow_start(text, place)
    if opened is None:
        return None
    begin = _segment_start(text, opened, place)
    cut = text[begin:place].rstrip().rstrip(",").rstrip()
    glued = place < len(text) and text[place] in "[{" and place > begin and text[place - 1] not in " \t\n,:[{"
    if not cut or not (glued or is_cut_short(cut)):
        return None
    stop = _line_of(text, begin)
    return Finding(
        "TF1030",
        f"`{cut}` is cut off: inside a list or block on one line, `, : [ ] {{ }}` belong to YAML",
        marks.at(begin, min(place, stop[0] + len(stop[1]))),
        "put the whole expression in double quotes",
    )


def _flow_start(text: str, place: int) -> int | None:
    """Index of the innermost flow bracket that is open at `place` on its line, or None."""
    begin, _ = _line_of(text, min(place, max(0, len(text) - 1)))
    opened: list[int] = []
    quote = ""
    for index in range(begin, place):
        char = text[index]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and (index == begin or text[index - 1] in " \t[{,:"):
            quote = char
        elif char in "[{" and (index == begin or text[index - 1] in " \t[{,:-"):
            opened.append(index)
        elif char in "]}" and opened:
            opened.pop()
    return opened[-1] if opened else None


def _segment_start(text: str, opened: int, place: int) -> int:
    """Where the plain text before `place` begins: after the last `: ` or after `, ` that follows a key or item."""
    begin = opened + 1
    for match in re.finditer(r":\s|,\s*", text[opened + 1 : place]):
        before = text[begin : opened + 1 + match.start()]
        if match[0][0] == "," and is_cut_short(before):
            break
        begin = opened + 1 + match.end()
        if begin >= place:
            break
    return begin + (len(text[begin:place]) - len(text[begin:place].lstrip()))


def _tab(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    if marks.text[at : at + 1] != "\t":
        return None
    return Finding("TF1020", "a tab is used for indentation", marks.at(at), "indent with two spaces per level")


def _unclosed_quote(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    if problem != "found unexpected end of stream":
        return None
    quote = marks.text[start : start + 1]
    return Finding("TF1043", f"the quote {quote} is opened here and never closed", marks.at(start), "close the quote")


def _colon(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    """`key:value` above, or a second `: ` inside an unquoted text."""
    if not problem.startswith("mapping values are not allowed"):
        return None
    begin, line = _line_of(marks.text, at)
    previous_begin, previous = _line_of(marks.text, max(0, begin - 1)) if begin else (0, "")
    for first, text in ((previous_begin, previous), (begin, line)):
        missing = _NO_SPACE.match(text)
        if missing is not None:
            return Finding(
                "TF1042",
                f"`{missing[1]}:` has no space after the colon",
                marks.at(first + missing.start(1), first + missing.end(0)),
                "write a space after the colon",
                f"{missing[1]}: ",
            )
    if len(line) - len(line.lstrip()) > len(previous) - len(previous.lstrip()) and ":" not in line[: at - begin]:
        return Finding(
            "TF1045", "this line is indented too far", marks.at(_first(begin, line)), "align it with its neighbours"
        )
    colon = line.find(": ")
    value = line[colon + 2 :].strip() if 0 <= colon < at - begin else ""
    return Finding(
        "TF1044",
        "a second `: ` stands inside an unquoted text",
        marks.at(at),
        "put the text in double quotes",
        quoted(value) if value else "",
    )


def _first(begin: int, line: str) -> int:
    return begin + len(line) - len(line.lstrip())


def _bracket(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    char = marks.text[at : at + 1]
    if char not in ("]", "}") or "did not find expected" not in problem:
        return None
    opening = "[" if char == "]" else "{"
    begin, (end, line) = _line_of(marks.text, start)[0], _line_of(marks.text, at)
    lines = marks.text[begin : end + len(line)]
    if marks.text[start : start + 1] in ("[", "{") and lines.count(char) <= lines.count(opening):
        return None  # it closes something: the one that was opened last was not closed before
    return Finding(
        "TF1049", f"this `{char}` closes nothing", marks.at(at), "remove it, or open the bracket it belongs to"
    )


def _first_character(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    """Characters that mean something to YAML at the beginning of a text."""
    begins = "alphabetic or numeric" in problem or "expected comment or line break" in problem
    if not begins and "cannot start any token" not in problem and "node content" not in problem:
        return None
    place = start if begins else at
    char = marks.text[place : place + 1]
    if not char.strip():
        return None
    _, line = _line_of(marks.text, place)
    value = line[place - _line_of(marks.text, place)[0] :].split(" #")[0].strip()
    simple = not set("{}[]") & set(line)
    advice = "put the whole text in double quotes"
    return Finding(
        "TF1046",
        f"a text cannot start with {char} without quotes",
        marks.at(place),
        advice,
        quoted(value) if simple else "",
    )


def _escape(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    if "escape character" not in problem and "hexdecimal" not in problem:
        return None
    advice = r"write \\ for a backslash, or put the text in single quotes"
    return Finding("TF1017", f"`{marks.text[at : at + 2]}` is no escape in double quotes", marks.at(at, at + 2), advice)


def _document(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    if "<document start>" not in problem:
        return None
    return Finding("TF1005", "a second document starts here", marks.at(at), "put each document into a file of its own")


def _after_quoted(marks: Marks, problem: str, at: int, start: int) -> Finding | None:
    """`when: 'a' == b`: a value that starts with a quote or bracket ends with it."""
    begin, line = _line_of(marks.text, at)
    opening = _QUOTED_START.match(line)
    if "did not find expected key" not in problem or opening is None or begin + opening.start(1) >= at:
        return None
    value = line[opening.start(1) :].split(" #")[0].strip()
    return Finding(
        "TF1047",
        f"text follows the value that `{opening[1]}` opened",
        marks.at(at),
        "put the whole text in double quotes",
        quoted(value),
    )


def _last_open(text: str, place: int) -> int:
    """Index of the bracket at `place`; where the text ends within one, of the bracket that was opened last."""
    closed = 0
    for index in range(min(place, len(text) - 1), -1, -1):
        if text[index] in "]}":
            closed += 1
        elif text[index] in "[{":
            if not closed:
                return index
            closed -= 1
    return place


def _general(marks: Marks, problem: str, context: str, at: int, start: int) -> Finding:
    if "flow" in context and "did not find expected" in problem:
        opened = _last_open(marks.text, start)
        return Finding(
            "TF1048",
            f"`{marks.text[opened : opened + 1]}` is opened here and not closed where it should be",
            marks.at(opened),
            "close it; put commas between entries",
        )
    if "did not find expected key" in problem and marks.text[at : at + 1] == ":":
        return Finding("TF1013", "a key is text, here is none", marks.at(at), "write a name before the colon")
    if "did not find expected key" in problem or "'-' indicator" in problem:
        return Finding(
            "TF1045",
            "the indentation fits neither the line above nor a block further up",
            marks.at(at),
            "align it with the keys it belongs to",
        )
    return Finding(
        "TF1001", f"not valid YAML: {problem}", marks.at(at), "compare with an example: tillflow explain TF1001"
    )
