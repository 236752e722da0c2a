"""Reading what a delivery asks of a sink or call."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from engine.sdk import Permanent

M = TypeVar("M", bound=BaseModel)


def read_request(model: type[M], request: Any) -> M:
    """The request as the action's model. Raises Permanent `bad-request` that names the field."""
    if not isinstance(request, dict):
        raise Permanent("bad-request", f"the request is {type(request).__name__}; it must be an object of named values")
    try:
        return model.model_validate(request)
    except ValidationError as error:
        problems = [_problem(model, found) for found in error.errors()[:5]]
        raise Permanent("bad-request", "; ".join(problems)) from None


def _problem(model: type[BaseModel], found: Any) -> str:
    place = ".".join(map(str, found["loc"])) or "request"
    if found["type"] == "missing":
        return f"`{place}` is missing"
    if found["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in model.model_fields.items()] if len(found["loc"]) == 1 else []
        return f"`{place}` is no key of it" + (f"; there are {', '.join(known)}" if known else "")
    return f"{place}: {found['msg']}"
