"""Small words of messages: the article of a noun, the plural of a count."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """`1 route`, `2 routes`, `0 routes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def with_article(noun: str) -> str:
    """`an overlay`, `a route`; one that is a plural already stays as it is."""
    if noun.endswith("s"):
        return noun
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
