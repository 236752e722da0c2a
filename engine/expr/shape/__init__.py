"""What is known of values before there are any, and the checks that follow from it."""

from __future__ import annotations

from engine.expr.shape.check import Place, check_expression, infer
from engine.expr.shape.known import NOTHING_KNOWN, Known
from engine.expr.shape.model import UNKNOWN, Shape

__all__ = ["NOTHING_KNOWN", "UNKNOWN", "Known", "Place", "Shape", "check_expression", "infer"]
