"""What an answer means for the delivery that asked."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.core.http.exchange import Answer
from engine.sdk import Failure, Permanent, Throttled, Transient, UnknownOutcome, parse

SHOWN = 500  # characters of an answer that are kept with a failure
MAX_WAIT = 3600.0  # seconds; a longer Retry-After is cut


def failure_of(answer: Answer, now: int, on_conflict: str = "permanent", reads: bool = False) -> Failure | None:
    """The Failure an answer stands for; None when the request succeeded.

    429, and 503 with Retry-After, are throttled. 503 and 425 say that nothing was done: transient. Other 5xx and 408
    leave open what was done: unknown outcome, transient for a request that only reads. Every other status that is not
    2xx is permanent; 409 as configured.
    """
    status = answer.status
    if 200 <= status < 300 or (status == 409 and on_conflict == "applied"):
        return None
    detail = f"status {status}{_shown(answer)}"
    facts = {"status": status}
    wait = retry_after(answer.headers.get("retry-after", ""), now)
    if status == 429 or (status == 503 and wait is not None):
        return Throttled("throttled", detail, after=5.0 if wait is None else wait, data=facts)
    if status in (425, 503) or (status == 409 and on_conflict == "transient"):
        return Transient("unavailable", detail, data=facts)
    if status == 408 or status >= 500:
        return (Transient if reads else UnknownOutcome)("server-error", detail, data=facts)
    if 300 <= status < 400:
        return Permanent("redirected", f"status {status}: redirects are not followed; correct the address", data=facts)
    reason = {401: "unauthorized", 403: "forbidden", 404: "not-found", 409: "conflict"}.get(status, "refused")
    return Permanent(reason, detail, data=facts)


def retry_after(text: str, now: int) -> float | None:
    """Seconds to wait, from seconds or a date; None when the header is missing or unreadable."""
    if text.isascii() and text.strip().isdigit():
        return min(float(text), MAX_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.fromtimestamp(now / 1_000_000, UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_WAIT)


def value_of(answer: Answer) -> Any:
    """The body as a JSON value: exact numbers, text when it is none. Raises Permanent `bad-answer`."""
    if not answer.complete:
        raise Permanent("bad-answer", "the answer is larger than `max_response` or compressed; it was not read")
    if not answer.body:
        return None
    if "json" in answer.headers.get("content-type", "json"):
        try:
            return parse(answer.body)
        except Failure as failure:
            raise Permanent("bad-answer", f"the answer is not JSON: {failure.detail}") from None
    return answer.body.decode("utf-8", "replace")


def _shown(answer: Answer) -> str:
    text = answer.body[: SHOWN * 4].decode("utf-8", "replace")[:SHOWN].strip()
    return f": {text}" if text else ""
