"""Amounts: exact decimals, rounded only where it is asked for."""

from __future__ import annotations

from typing import Any

from engine.core import money as exact
from engine.core.quoting import short
from engine.expr.functions.reading import read_number
from engine.expr.types import FieldName, List, Number, Numbers, Text
from engine.expr.values import NUMBERS, Refused, described


def money(value: Text | Number) -> Number:
    """An exact amount, written as text or a number, with the digits it is written with.

    money('0.00') -> 0.00
    money(`12.5`) -> 12.5
    """
    return value if type(value) in NUMBERS else read_number(value)  # type: ignore[return-value, arg-type]


def field_of(item: Any, path: str, position: int) -> Any:
    """The value at `path` (names joined by dots) of an element. Raises Refused when it is not there."""
    value = item
    for name in path.split("."):
        if type(value) is not dict:
            raise Refused(f"element {position} has no `{short(path)}`: it is {described(value)}, not an object")
        value = value.get(name)
        if value is None:
            raise Refused(f"element {position} has no `{short(path)}`")
    return value


def money_sum(items: List, field: FieldName) -> Number:
    """The exact sum of one field over a list. An element without the field is an error, never skipped.

    money_sum([{net: `1.10`}, {net: `2.20`}], 'net') -> 3.30
    """
    try:
        amounts = [item[field] for item in items]
    except (KeyError, TypeError):
        amounts = [field_of(item, field, position) for position, item in enumerate(items, 1)]
    if not NUMBERS.issuperset(map(type, amounts)):
        position, wrong = next((n, v) for n, v in enumerate(amounts, 1) if type(v) not in NUMBERS)
        raise Refused(f"`{field}` of element {position} is {described(wrong)}, not a number")
    return exact.total(amounts)


def money_add(first: Number, *others: Number) -> Number:
    """The exact sum of the arguments.

    money_add(`0.10`, `0.20`) -> 0.30
    """
    return exact.total((first, *others))


def money_sub(first: Number, *others: Number) -> Number:
    """The first argument less the others.

    money_sub(`10.00`, `0.05`, `1.00`) -> 8.95
    """
    return exact.subtract(first, exact.total(others)) if others else first


def money_mul(amount: Number, factor: Number, places: Number | None = None, mode: exact.Mode = "half_up") -> Number:
    """The product: exact, or rounded half up to a number of decimal places.

    money_mul(`2.49`, `3`) -> 7.47
    money_mul(`9.99`, `0.075`, `2`) -> 0.75
    """
    product = exact.multiply(amount, factor)
    return product if places is None else exact.rounded(product, whole(places), mode)


def money_div(amount: Number, divisor: Number, places: Number = 2, mode: exact.Mode = "half_up") -> Number:
    """The quotient, rounded to a number of decimal places.

    money_div(`10.00`, `3`) -> 3.33
    """
    if divisor == 0:
        raise Refused("cannot divide by zero", "invalid-value")
    return exact.rounded(exact.divide(amount, divisor), whole(places), mode)


def money_neg(amount: Number) -> Number:
    """The amount with the other sign.

    money_neg(`1.50`) -> -1.50
    """
    return exact.negate(amount)


def money_abs(amount: Number) -> Number:
    """The amount without its sign.

    money_abs(`-1.50`) -> 1.50
    """
    return exact.absolute(amount)


def money_round(amount: Number, places: Number = 2, mode: exact.Mode = "half_up") -> Number:
    """The amount with exactly that many decimal places; 5 rounds away from zero unless another mode is named.

    money_round(`2.345`) -> 2.35
    money_round(`2.345`, `2`, 'half_even') -> 2.34
    """
    return exact.rounded(amount, whole(places), mode)


def money_round_to(amount: Number, step: Number, mode: exact.Mode = "half_up") -> Number:
    """The nearest multiple of a step, for cash without small coins.

    money_round_to(`12.43`, `0.05`) -> 12.45
    """
    return exact.rounded_to(amount, step, mode)


def money_max(values: Numbers) -> Number:
    """The largest of a list of numbers; an empty list is an error.

    money_max([`1.50`, `-2`]) -> 1.50
    """
    if not values:
        raise Refused("the list is empty", "invalid-value")
    return max(values)


def for_currency(amount: Number, currency: Text, mode: exact.Mode = "half_up") -> Number:
    """The amount with the decimal places of its currency (ISO 4217).

    for_currency(`1234.5`, 'JPY') -> 1235
    for_currency(`1234.5`, 'EUR') -> 1234.50
    """
    return exact.for_currency(amount, currency, mode)


def minor_units(amount: Number, currency: Text) -> Number:
    """The amount in the smallest unit of its currency, as payment services want it. A finer amount is an error.

    minor_units(`12.34`, 'EUR') -> 1234
    minor_units(`500`, 'JPY') -> 500
    """
    return exact.to_minor(amount, currency)


def from_minor(units: Number, currency: Text) -> Number:
    """The amount that a whole number of smallest units is.

    from_minor(`1234`, 'EUR') -> 12.34
    from_minor(`1234`, 'KWD') -> 1.234
    """
    return exact.from_minor(whole(units), currency)


def tax_of_gross(gross: Number, rate: Number, places: Number = 2) -> Number:
    """The tax inside an amount that includes it; the rate is in percent.

    tax_of_gross(`119.00`, `19`) -> 19.00
    """
    return exact.rounded(exact.divide(exact.multiply(gross, rate), exact.add(rate, 100)), whole(places))


def tax_of_net(net: Number, rate: Number, places: Number = 2) -> Number:
    """The tax on an amount without it; the rate is in percent.

    tax_of_net(`100.00`, `7.5`) -> 7.50
    """
    return exact.rounded(exact.divide(exact.multiply(net, rate), 100), whole(places))


def net_of_gross(gross: Number, rate: Number, places: Number = 2) -> Number:
    """An amount without the tax it includes: gross less tax_of_gross, so the parts add up.

    net_of_gross(`119.00`, `19`) -> 100.00
    """
    return exact.rounded(exact.subtract(gross, tax_of_gross(gross, rate, places)), whole(places))


def whole(value: Number) -> int:
    """The number as an int. Raises Refused when it has a fraction."""
    number = int(value)
    if number != value:
        raise Refused("a whole number is needed here", "invalid-value")
    return number


FUNCTIONS = (
    money,
    money_sum,
    money_add,
    money_sub,
    money_mul,
    money_div,
    money_neg,
    money_abs,
    money_round,
    money_round_to,
    money_max,
    for_currency,
    minor_units,
    from_minor,
    tax_of_gross,
    tax_of_net,
    net_of_gross,
)
