"""Tax numbers in expressions; python-stdnum knows the rules of each country."""

from __future__ import annotations

from typing import Any

from connectors.compliance.support.libraries import require_for_function
from engine.sdk import Refused, Text, YesNo, function

_SPECIAL = {"IN": "gstin", "BR": "cnpj", "MX": "rfc"}  # where the number of a business is not called VAT number


def _rules(country: str) -> Any:
    """The module of a country's business tax number. Raises Refused where none is known."""
    require_for_function("stdnum", "a check of tax numbers")
    from stdnum import get_cc_module

    code = country.strip().upper()
    found = get_cc_module(code.lower(), _SPECIAL.get(code, "vat")) if len(code) == 2 and code.isalpha() else None
    if found is None:
        raise Refused(f"the rules of tax numbers in {code[:10]!r} are not known", "invalid-value")
    return found


@function("vat_id_ok")
def vat_id_ok(number: Text) -> YesNo:
    """Whether a VAT number of the EU or Northern Ireland, with its country in front, has the right form and check digits.

    Spaces, dots and dashes do not count. Rules: Directive 2006/112/EC article 215 and each country's own, as python-stdnum
    has them. Mode `verify`: the form only; whether the number is in force is asked of VIES, which is not covered.

    vat_id_ok('ESB58378431') -> true
    vat_id_ok('ESB58378432') -> false
    """
    require_for_function("stdnum", "a check of VAT numbers")
    from stdnum.eu import vat

    return bool(vat.is_valid(number))


@function("tax_id_ok")
def tax_id_ok(number: Text, country: Text) -> YesNo:
    """Whether a business's tax number has the right form and check digits: VAT number, in IN the GSTIN, in BR the CNPJ, in MX the RFC.

    Of an RFC the form only: the authority has given out numbers with other check digits.

    tax_id_ok('27AAPFU0939F1ZV', 'IN') -> true
    tax_id_ok('16727230000198', 'BR') -> false
    """
    return bool(_rules(country).is_valid(number))


@function("tax_id")
def tax_id(number: Text, country: Text) -> Text:
    """A business's tax number in its compact form, without spaces and dashes, and without the country in front. A wrong one is refused.

    tax_id('B-58378431', 'ES') -> "B58378431"
    """
    from stdnum.exceptions import ValidationError

    try:
        return str(_rules(country).validate(number))
    except ValidationError:
        raise Refused(f"it is no tax number of {country.strip().upper()[:10]}", "invalid-value") from None
