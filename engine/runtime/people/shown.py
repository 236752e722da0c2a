"""What people see of bodies: private values hidden, and put back when somebody saves an edit of what they saw."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.core.errors import Permanent
from engine.core.masking import HIDDEN, mask_email_text, mask_pan_text, mask_phone_text


def hide(value: Any, private: Iterable[str]) -> Any:
    """The value with everything hidden that stands at a private path, and with mail, phone and card numbers masked.

    A private path (`customer.id`) also hides what a mapping moved elsewhere, as long as the place still ends that way:
    `order.customer.id`, `customer_id`.
    """
    endings = tuple("." + _plain_path(path) for path in private)
    return _hidden(value, "", endings)


def _plain_path(path: str) -> str:
    return path.replace("[]", "").replace("_", ".")


def _hidden(value: Any, place: str, endings: tuple[str, ...]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if endings and place.endswith(endings):
        return HIDDEN
    if isinstance(value, str):
        return mask_phone_text(mask_email_text(mask_pan_text(value)))
    if isinstance(value, dict):
        return {name: _hidden(item, f"{place}.{_plain_path(str(name))}", endings) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item, place, endings) for item in value]
    return value


def restore(edited: Any, shown: Any, original: Any) -> Any:
    """What somebody saved, with every value they left as it was shown put back to what it is.

    Raises Permanent `masked-value` when a hidden value was moved to a place where it cannot be known.
    """
    result = _restored(edited, shown, original)
    if _still_hidden(result) and not _still_hidden(original):
        raise Permanent("masked-value", f"`{HIDDEN}` stands where no hidden value was; write the value itself")
    return result


def _restored(edited: Any, shown: Any, original: Any) -> Any:
    if edited == shown:
        return original
    if isinstance(edited, dict) and isinstance(shown, dict):
        return {
            name: _restored(item, shown[name], original[name]) if name in shown else item
            for name, item in edited.items()
        }
    if isinstance(edited, list) and isinstance(shown, list):
        return [_item(index, item, shown, original) for index, item in enumerate(edited)]
    return edited


def _item(index: int, item: Any, shown: list[Any], original: list[Any]) -> Any:
    """An item of a list: the one at its place if there is one, else the same one elsewhere (items moved up)."""
    if index < len(shown) and item == shown[index]:
        return original[index]
    same = [original[at] for at, other in enumerate(shown) if other == item]
    if same and all(other == same[0] for other in same):
        return same[0]
    return _restored(item, shown[index], original[index]) if index < len(shown) else item


def _still_hidden(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_still_hidden, value.values()))
    if isinstance(value, list):
        return any(map(_still_hidden, value))
    return isinstance(value, str) and HIDDEN in value
