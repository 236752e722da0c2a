"""Names of environment variables: which begin as ours do and are nothing we know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.config.nearest import did_you_mean, nearest
from engine.settings.addresses import PREFIX

# What a person sets, without the prefix.
SET = (
    "ACTOR",
    "CELL",
    "HTTP",
    "LOG_FORMAT",
    "PROJECT",
    "SECRETS",
    "STATE",
    "STORE",
    "TOPOLOGY",
    "TRANSPORT",
    "WATCH",
    "WORKERS",
    "ZONE",
)
# What a parent tells its children, and what containers and tests are told.
_OTHERS = frozenset({"CHILD", "CRASH_AT", "MARKS", "WORKER"}) | frozenset(
    {"MAY_INSTALL", "POSTGRES_PORT", "PROJECT_DIR", "RABBITMQ_PORT", "SERVICES_DIR", "SHARED"}
)
_FAMILIES = ("SECRET_", "TEST_")


def unknown(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Variables that would be ignored, by name, each with what to do."""
    for name in sorted(names):
        word = name.removeprefix(PREFIX)
        if word == name or word in SET or word in _OTHERS or word.startswith(_FAMILIES):
            continue
        near = [PREFIX + one for one in nearest(word, SET, count=1)]
        yield (
            name,
            did_you_mean(near) or f"there are {', '.join(PREFIX + one for one in SET)} and {PREFIX}SECRET_<NAME>",
        )
