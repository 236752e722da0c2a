"""Schemas: JSON Schema in YAML with what tillflow adds (`$id`, `compatible_with`, `x-tillflow`)."""

from __future__ import annotations

from typing import Any, Final

from engine.config.document import Document
from engine.config.models.schema import IdentityDoc, SchemaHead
from engine.config.nearest import suggestion
from engine.config.validate import validated
from engine.core.findings import Finding

_OURS: Final = ("$id", "compatible_with", "x-tillflow")


def read_schema(document: Document) -> tuple[SchemaHead | None, list[Finding]]:
    """The head of a schema file. Its other words are JSON Schema's, which the compiler checks."""
    data: dict[str, Any] = document.data
    findings: list[Finding] = []
    if "x-tillflow" in data:
        _, more = validated(document, IdentityDoc, ("x-tillflow",), what="`x-tillflow`")
        findings += more
    if "tillflow" in data:
        mark = document.marks.key(("tillflow",))
        findings.append(
            Finding("TF1101", "a schema file has no key `tillflow`", mark, "remove it: `$id` names the schema")
        )
    if "$id" not in data and (wrong := next((key for key in data if suggestion(key, ("$id",))), "")):
        mark = document.marks.key((wrong,))
        findings.append(Finding("TF1101", f"`{wrong}` is not a key of a schema", mark, "did you mean `$id`?", "$id"))
        return None, findings
    head = Document(document.path, {key: data[key] for key in _OURS if key in data}, document.marks, document.text)
    model, more = validated(head, SchemaHead, what="a schema")
    findings += [finding for finding in more if finding not in findings]
    return (None if any(f.severity == "error" for f in findings) else model), findings
