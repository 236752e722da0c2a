"""Conditions that every SQL store asks in the same words."""

from engine.ports.store.work import CONFLICT

# `WorkItem.of_another_record`, of `work_item AS w`.
OF_ANOTHER_RECORD = f"(w.reason = '{CONFLICT}' AND w.level = 'event' AND w.subject LIKE '%!%')"


def with_conditions(sql: str) -> str:
    """The text of a .sql file, where a condition stands as its name in braces."""
    return sql.replace("{of_another_record}", OF_ANOTHER_RECORD)
