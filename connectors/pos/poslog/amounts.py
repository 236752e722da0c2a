"""What follows from the lines of a receipt: what each line cost after everything, and the taxes of the whole.

Dialects differ in where they write a discount or a tax (on the line or on the receipt) and in whether prices include
tax. The amounts a till states decide: nothing is estimated, and where they contradict each other the contradiction
stays visible in the totals.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Any

ZERO = Decimal(0)
Fact = dict[str, Any]


def settle(transaction: Fact, stated: dict[str, Decimal]) -> None:
    """Fill in what lines, taxes, totals and tenders came to; `stated` are the totals the till wrote."""
    lines = [line for line in transaction["lines"] if not line["voided"]]
    receipt_taxes = transaction.pop("receipt_taxes")
    unit = _unit(lines, stated)
    for line in lines:
        line["paid"] = line.get("extended", ZERO)
        line["discount"] = -sum((found.get("amount", ZERO) for found in line["modifiers"]), ZERO)
    _spread_adjustments(lines, transaction["adjustments"], unit)
    goods = sum((line["paid"] for line in lines), ZERO)
    rounding = sum(
        (a["amount"] for a in transaction["adjustments"] if a["kind"] == "rounding" and not a["voided"]), ZERO
    )
    negative = transaction["kind"] == "return" or (transaction["kind"] == "mixed" and goods < 0)
    tax = _tax_total(lines, receipt_taxes, stated, negative)
    grand = _signed(stated.get("TransactionGrandAmount"), negative)
    included = _prices_include_tax(lines, goods, tax, None if grand is None else grand - rounding)
    _spread_taxes(lines, receipt_taxes, tax, unit)
    for line in lines:
        line["net"] = line["paid"] - line["tax"] if included else line["paid"]
        line["gross"] = line["net"] + line["tax"]
    if grand is None:
        grand = sum((line["gross"] for line in lines), ZERO) + rounding
    transaction["prices_include_tax"] = included
    transaction["taxes"] = _taxes(lines, receipt_taxes)
    transaction["totals"] = {"gross": grand, "tax": tax, "net": grand - tax, "rounding": rounding}
    _net_tenders(transaction["tenders"], grand)


def _unit(lines: Sequence[Fact], stated: dict[str, Decimal]) -> Decimal:
    """The smallest amount this till writes: 0.01, or 1 where there are no decimals."""
    amounts = [line["extended"] for line in lines if "extended" in line] + list(stated.values())
    places = max((-int(amount.as_tuple().exponent) for amount in amounts), default=2)
    return Decimal(1).scaleb(-min(max(places, 0), 4))


def spread(amount: Decimal, weights: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    """`amount` in shares by weight, each a multiple of `unit`, together exactly `amount`."""
    total = sum(weights, ZERO)
    if not weights or total == 0:
        return [amount, *[ZERO] * (len(weights) - 1)] if weights else []
    exact = [amount * weight / total for weight in weights]
    shares = [(part / unit).to_integral_value(ROUND_DOWN) * unit for part in exact]
    order = sorted(range(len(shares)), key=lambda index: abs(exact[index] - shares[index]), reverse=True)
    rest = amount - sum(shares, ZERO)
    step = unit if rest > 0 else -unit
    for index in order:
        if abs(rest) < unit:
            break
        shares[index] += step
        rest -= step
    shares[order[0]] += rest
    return shares


def _spread_adjustments(lines: Sequence[Fact], adjustments: Sequence[Fact], unit: Decimal) -> None:
    """Discounts and rewards of the receipt onto its lines: where they say which, else by what the lines cost."""
    for found in _effective(adjustments):
        targets = [line for line in lines if "reference" in found and line.get("reference") == found["reference"]]
        chosen = targets or lines
        weights = [abs(line.get("extended", ZERO)) for line in chosen]
        for line, share in zip(chosen, spread(found["amount"], weights, unit), strict=True):
            line["paid"] += share
            line["discount"] -= share


def _effective(adjustments: Sequence[Fact]) -> list[Fact]:
    """Those that change what is paid. A reward told in detail and again as a summary counts once."""
    live = [a for a in adjustments if a["monetary"] and not a["voided"] and a["kind"] != "rounding"]
    detailed = {a.get("promotion") for a in live if not a["summary"]}
    return [a for a in live if not (a["summary"] and a.get("promotion") in detailed)]


def _tax_total(lines: Sequence[Fact], taxes: Sequence[Fact], stated: dict[str, Decimal], negative: bool) -> Decimal:
    if "TransactionTaxAmount" in stated:
        return _signed(stated["TransactionTaxAmount"], negative) or ZERO
    if taxes:
        return sum((tax["amount"] for tax in taxes), ZERO)
    return sum((_own(line) for line in lines), ZERO)


def _signed(amount: Decimal | None, negative: bool) -> Decimal | None:
    return -abs(amount) if amount is not None and negative else amount


def _own(line: Fact) -> Decimal:
    return sum((tax["amount"] for tax in line["taxes"]), ZERO)


def _prices_include_tax(lines: Sequence[Fact], goods: Decimal, tax: Decimal, grand: Decimal | None) -> bool:
    """By arithmetic where it tells; otherwise value added tax is in the price and sales tax is not."""
    if tax == 0 or grand == goods:
        return True
    if grand == goods + tax:
        return False
    return any(found.get("type") == "VAT" for line in lines for found in line["taxes"])


def _spread_taxes(lines: Sequence[Fact], taxes: Sequence[Fact], total: Decimal, unit: Decimal) -> None:
    """Each line's tax: its own where it has one, else its share of the receipt's."""
    own = [_own(line) for line in lines]
    of_receipt = sum((tax["amount"] for tax in taxes), ZERO)
    if (taxes and sum(own, ZERO) != of_receipt) or (not taxes and not any(line["taxes"] for line in lines)):
        own = spread(of_receipt if taxes else total, [abs(line["paid"]) for line in lines], unit)
    codes = {tax.get("code") for tax in taxes}
    for line, amount in zip(lines, own, strict=True):
        line["tax"] = amount
        line["tax_code"] = _one_code({tax.get("code") for tax in line["taxes"]} or codes)


def _one_code(codes: set[str | None]) -> str:
    if len(codes) > 1:
        return "mixed"
    return next(iter(codes)) or "unnamed" if codes else "none"


def _taxes(lines: Sequence[Fact], receipt_taxes: Sequence[Fact]) -> list[Fact]:
    """Taxes of the receipt by kind and rate, with their net base."""
    totals: dict[tuple[Any, ...], Fact] = {}
    for tax in receipt_taxes or [tax for line in lines for tax in line["taxes"]]:
        key = (tax.get("type"), tax.get("code"), tax.get("rate"))
        names: Fact = {name: tax[name] for name in ("type", "rate") if name in tax}
        entry = totals.setdefault(key, {"code": tax.get("code") or "unnamed", **names, "base": ZERO, "amount": ZERO})
        base = tax.get("base", ZERO)
        entry["base"] += base - tax["amount"] if tax.get("base_includes_tax") else base
        entry["amount"] += tax["amount"]
        entry["gross"] = entry["base"] + entry["amount"]
    return list(totals.values())


def _net_tenders(tenders: Sequence[Fact], grand: Decimal) -> None:
    """What each tender paid: change is taken off unless the till has done so already."""
    given = sum((tender["given"] for tender in tenders if not tender["voided"]), ZERO)
    for tender in tenders:
        tender["amount"] = tender["given"] if given == grand else tender["given"] - tender["change"]
