"""TF20xx: expressions (JMESPath)."""

from __future__ import annotations

from engine.core.findings import Code

CODES: tuple[Code, ...] = (
    Code(
        "TF2001",
        "the expression cannot be read",
        "An expression is JMESPath: names joined by dots, functions with brackets, text in single quotes, numbers "
        "and true, false, null in backticks. There are no operators for calculating: money_add, money_mul and "
        "their like do that.",
        "when: totals.gross - totals.net > `0`",
        "when: money_sub(totals.gross, totals.net) > `0`",
    ),
    Code(
        "TF2002",
        "the expression is not finished",
        "A bracket is never closed, or something must follow at the end. In a YAML flow list a comma ends the "
        "value, so an expression with commas needs quotes around it there.",
        "chain: [lookup('stores', store.id).tax_id]",
        "chain: [\"lookup('stores', store.id).tax_id\"]",
    ),
    Code(
        "TF2003",
        "a quote is never closed",
        "Text starts and ends with a single quote. A single quote inside the text is written \\'.",
        "when: currency == 'EUR",
        "when: currency == 'EUR'",
    ),
    Code(
        "TF2004",
        "the expression is empty",
        "A key that takes an expression needs one; leave the key out if nothing is meant.",
        "when: ''",
        "when: is_true(training)",
    ),
    Code(
        "TF2005",
        "backticks around something that is not JSON",
        "Backticks hold a JSON value: a number, true, false, null, a list or an object. Text stands in single quotes.",
        "when: currency == `EUR`",
        "when: currency == 'EUR'",
    ),
    Code(
        "TF2007",
        "an operator of another language",
        "Comparisons are == != < <= > >=, and yes/no answers join with && and || and turn round with !.",
        "when: currency = 'EUR' and training == `false`",
        "when: currency == 'EUR' && training == `false`",
    ),
    Code(
        "TF2008",
        "the expression is too long",
        "An expression has at most 4 KiB, so that a mistake cannot stop the engine. Longer ones are also hard to "
        "read: put a part under a name with `set` first.",
        "total: (an expression of 5,000 characters)",
        "set: {subtotal: money_sum(lines, 'net')}",
    ),
    Code(
        "TF2009",
        "the expression is nested too deep",
        "Brackets and calls stand at most 64 deep inside each other, so that reading them cannot exhaust the engine.",
        "x: ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a))))))))))))...",
        "x: a",
    ),
    Code(
        "TF2010",
        "there is no such function",
        "The name is neither a function of JMESPath, nor one of the engine, nor one an installed plugin brings.",
        "net: money_summ(lines, 'net')",
        "net: money_sum(lines, 'net')",
    ),
    Code(
        "TF2011",
        "wrong number of arguments",
        "Every function says how many arguments it takes; a ? in its usage marks one that may be left out.",
        "reference: replace(receipt_no, '-')",
        "reference: replace(receipt_no, '-', ' ')",
    ),
    Code(
        "TF2012",
        "an argument of the wrong kind",
        "The function would fail for every event. Numbers become text with text(..), text becomes a number with "
        "number(..).",
        "reference: join('-', [store.id, lines[0].line_no])",
        "reference: join('-', [store.id, text(lines[0].line_no)])",
    ),
    Code(
        "TF2013",
        "an argument that must be written out",
        "A regular expression is compiled when the file is read, never from data: nothing a sender writes may "
        "reach a compiler.",
        "when: matches(receipt_no, pattern)",
        "when: matches(receipt_no, '[0-9]+')",
    ),
    Code(
        "TF2014",
        "an argument that is not valid",
        "The text stands in the expression and can be checked already: patterns of dates are YYYY, MM, DD and their "
        "like; regular expressions are RE2, which runs in linear time and knows no look-around and no back references.",
        "when: matches(receipt_no, '([0-9]+')",
        "when: matches(receipt_no, '([0-9]+)')",
    ),
    Code(
        "TF2015",
        "not one of the possible choices",
        "The argument takes one of a few fixed words.",
        "net: money_round(net, `2`, 'half_upp')",
        "net: money_round(net, `2`, 'half_up')",
    ),
    Code(
        "TF2020",
        "a name the data does not have",
        "The schema that flows here (its schema, and what steps before added) has no such name, so the path would "
        "give null for every event. Inside [? ], & and a projection names belong to the elements.",
        "when: present(custmer.id)",
        "when: present(customer.id)",
    ),
    Code(
        "TF2021",
        "a word that reads as a path",
        "A bare word is the name of a field. true, false and null are JSON and stand in backticks; misspelt ones "
        "too would silently be null.",
        "when: training == true",
        "when: training == `true`",
    ),
    Code(
        "TF2022",
        "a function without brackets reads as a path",
        "Without brackets the word is the name of a field, which the data does not have.",
        "posted_at: now",
        "posted_at: now()",
    ),
    Code(
        "TF2023",
        "text in double quotes reads as a path",
        "Double quotes are for names of fields with unusual characters. Text stands in single quotes.",
        'when: currency == "EUR"',
        "when: currency == 'EUR'",
    ),
    Code(
        "TF2024",
        "a path through something that has no such parts",
        "Names belong to objects, [ ] to lists. A path that asks a list for a name gives null for every event.",
        "skus: lines.sku",
        "skus: lines[].sku",
    ),
    Code(
        "TF2030",
        "a condition that is not a yes/no answer",
        "A condition must be true or false by its kind. Text, numbers and lists would count as yes whatever they "
        "say, the text 'false' included.",
        "when: customer.id",
        "when: present(customer.id)",
    ),
    Code(
        "TF2031",
        "a fixed value as a condition",
        "A literal text or number is no answer: 'false' is a text with five letters. The answers themselves are "
        "`true` and `false` in backticks.",
        "when: \"'false'\"",
        "when: is_true(training)",
    ),
    Code(
        "TF2032",
        "a flag that may be missing",
        "The schema does not require the flag, and a missing one is neither yes nor no. is_true() takes it as no.",
        "when: customer.consent",
        "when: is_true(customer.consent)",
    ),
    Code(
        "TF2033",
        "a comparison of different kinds",
        "A number never equals a text, whatever they say, and neither is smaller. Bring both sides to one kind.",
        "when: receipt_no == `1001`",
        "when: number(receipt_no) == `1001`",
    ),
    Code(
        "TF2034",
        "text compared by order",
        "Text is ordered by letters: '9' comes after '10', and 31.12. after 01.01. of the next year. Dates "
        "compare through date(), numbers through number().",
        "when: business_date >= '2026-01-01'",
        "when: date(business_date) >= date('2026-01-01')",
    ),
    Code(
        "TF2035",
        "compared with a value it can never be",
        "The schema lists the values this can have and the literal is not among them, so the answer never changes.",
        "when: status == 'shiped'",
        "when: status == 'shipped'",
    ),
    Code(
        "TF2040",
        "a projection that skips what is missing",
        "A projection leaves out elements where the path gives nothing, so a sum over it is too small and nobody "
        "sees it. money_sum() fails on an element without the field.",
        "that: sum(lines[].net) == totals.net",
        "that: money_sum(lines, 'net') == totals.net",
    ),
    Code(
        "TF2041",
        "a part of a key that may be missing",
        "Keys decide what counts as the same. An event whose key has a missing part waits as work item key-incomplete.",
        "key: [store.id, customer.id]",
        "key: [store.id, receipt_no]",
    ),
    Code(
        "TF2042",
        "a value that may be missing",
        "A field of a mapping or call that gives nothing is an error, so that no half-filled document leaves. Say "
        "it when the field may be left out.",
        "customer: customer.id",
        "customer: {expr: customer.id, optional: true}",
    ),
    Code(
        "TF2043",
        "a part of a key that is a list or an object",
        "A part of a key is text, a number or yes/no.",
        "key: store",
        "key: store.id",
    ),
    Code(
        "TF2044",
        "an argument that may be missing",
        "The schema does not require it, and without it the function or comparison fails and the event waits as a "
        "work item.",
        "name: upper(customer.name)",
        "name: upper(coalesce(customer.name, ''))",
    ),
    Code(
        "TF2045",
        "a secret would become part of the data",
        "What an expression makes here is written down, sent on and shown; a secret never is. A system's secret is named "
        "in its connection. An expression may ask whether a secret is there, or hand it to a function whose answer does "
        "not hold it.",
        "set: {api_key: \"secret('shop_key')\"}",
        "when: present(secret('shop_key'))",
    ),
)
