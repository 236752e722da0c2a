"""Validation at run time: the same words for it at ingress, in the `validate` step and before an event is published."""

from __future__ import annotations

from typing import Any

from engine.core.errors import Permanent
from engine.plugins.build import Validator


def conform(validator: Validator, data: Any) -> Any:
    """The data with the schema's defaults filled in. Raises Permanent `schema-violation` with every violation.

    `Failure.data`: {"schema": name, "violations": [{"pointer": "/lines/0/sku", "message": ..}]}.
    """
    filled = validator.filled(data)
    violations = validator.violations(filled)
    if not violations:
        return filled
    pointer, message = violations[0]
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    raise Permanent(
        "schema-violation",
        f"{validator.name}: {pointer or '/'}: {message}{more}",
        data={
            "schema": validator.name,
            "violations": [{"pointer": pointer, "message": message} for pointer, message in violations],
        },
    )
