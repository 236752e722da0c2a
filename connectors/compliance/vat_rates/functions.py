"""VAT rates in expressions."""

from __future__ import annotations

from typing import Literal

from connectors.compliance.vat_rates.table import rate_on
from engine.sdk import Date, Number, Refused, Text, YesNo, function


@function("vat_rate")
def vat_rate(country: Text, day: Date, kind: Literal["standard", "reduced"] = "standard") -> Number:
    """The VAT rate of a country in percent, on the day of the supply.

    The table (`rates.csv` in this plugin, each row with its law) begins at 2020-01-01: standard rates of the EU, CH,
    GB and NO, and the reduced rates of AT, DE, ES, FR and NL that goods of daily need have. It knows changes until
    2025-08-01 and no later ones: check it against the law before a new year, and keep a `tables:` file of your own where
    you need more. A day before the table, or a country that is not in it, is refused and never guessed. Not covered: other reduced
    rates, rates of regions (Canary Islands, Azores), what goods have which rate.

    vat_rate('DE', date('2020-06-30')) -> 19
    vat_rate('DE', date('2020-07-01')) -> 16
    vat_rate('FI', date('2024-09-01')) -> 25.5
    """
    try:
        return rate_on(country, day, kind).rate
    except ValueError as error:
        raise Refused(str(error), "invalid-value") from None


@function("vat_rate_is")
def vat_rate_is(rate: Number, country: Text, day: Date, kind: Literal["standard", "reduced"] = "standard") -> YesNo:
    """Whether a rate is the one that holds on that day: a receipt with the rate of the month before is found.

    vat_rate_is(`20`, 'SK', date('2025-01-01')) -> false
    vat_rate_is(`23.0`, 'SK', date('2025-01-01')) -> true
    """
    return bool(rate == vat_rate(country, day, kind))
