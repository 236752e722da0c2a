"""The strict YAML reader: one file or text to a Document, with every finding of its form."""

from __future__ import annotations

from engine.config.bytes import decoded
from engine.config.document import Document, Marks
from engine.config.nodes import ListNode, MapNode
from engine.config.yamlevents import Reader
from engine.core.findings import Finding, Mark


def read_text(path: str, text: str) -> tuple[Document | None, list[Finding]]:
    """Read text that is already checked (see `engine.config.bytes`). None when there is no document to go on with."""
    reader = Reader(path, text)
    reader.read()
    if reader.root is None:
        if not reader.findings:
            reader.findings.append(
                Finding("TF1006", "the file is empty", Mark(path), "write a document or delete the file")
            )
        return None, reader.findings
    marks = Marks(path, text, reader.root, reader.value)
    if isinstance(reader.root, MapNode):
        return Document(path, reader.value, marks, text), reader.findings
    if isinstance(reader.root, ListNode):
        what, code, advice = "a list", "TF1007", "start with `tillflow: 1` and the name of what the file describes"
    elif not reader.value:
        what, code, advice = "empty", "TF1006", "write a document or delete the file"
    else:
        what, code, advice = "one text", "TF1007", "write keys as `name: value`, with a space after the colon"
    reader.findings.append(Finding(code, f"the file is {what}, not a block of keys", marks.value(()), advice))
    return None, reader.findings


def read_bytes(path: str, content: bytes) -> tuple[Document | None, list[Finding]]:
    """Read one YAML file. Findings tell everything that is wrong with its form."""
    text, findings = decoded(path, content)
    if text is None:
        return None, findings
    document, more = read_text(path, text)
    return document, findings + more
