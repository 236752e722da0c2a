"""TF60xx: overlays and region packs."""

from __future__ import annotations

from engine.core.findings import Code

_PACK = "tillflow: 1\npack: es\nlayer: country\nowner: compliance-iberia\n"
_OVERLAY = "tillflow: 1\noverlay: es-sales\n"

CODES: tuple[Code, ...] = (
    Code(
        "TF6001",
        "An overlay changes nothing",
        "An overlay without an operation is mostly one whose operation is misspelt: it would silently do nothing.",
        _OVERLAY + "base: sales-posting@^2\n",
        _OVERLAY + "base: sales-posting@^2\nset: {posting: line}\n",
    ),
    Code(
        "TF6003",
        "A country pack without residency",
        "Where data may go is law in most countries, so every country pack says it.",
        _PACK + "for: {country: ES}\n",
        _PACK + "for: {country: ES}\nresidency: eu\n",
    ),
    Code(
        "TF6004",
        "Dates the wrong way round",
        "An interval that ends before it starts never applies.",
        _OVERLAY + "base: sales-posting@^2\nset: {posting: line}\neffective: {since: 2027-01-01, until: 2026-12-31}\n",
        _OVERLAY + "base: sales-posting@^2\nset: {posting: line}\neffective: {since: 2026-01-01, until: 2026-12-31}\n",
    ),
    Code(
        "TF6005",
        "A pack does not say whom it is for",
        "A pack of a layer names the value of that layer it applies to: a country pack its country.",
        _PACK + "for: {state: Madrid}\nresidency: eu\n",
        _PACK + "for: {country: ES}\nresidency: eu\n",
    ),
    Code(
        "TF6006",
        "Not a route with its versions",
        "An overlay fits a major version of its route: with another one its targets may be gone.",
        _OVERLAY + "base: sales-posting\nset: {posting: line}\n",
        _OVERLAY + "base: sales-posting@^2\nset: {posting: line}\n",
    ),
    Code(
        "TF6007",
        "A file of a region without the region's name",
        "Routes and mappings a region brings carry its name, so that two regions cannot bring the same one.",
        "routes/regions/es/daily-export.yaml with `route: daily-export`",
        "routes/regions/es/es-daily-export.yaml with `route: es-daily-export`",
    ),
    Code(
        "TF6009",
        "Steps are inserted at one place",
        "Before a step or after one, not both and not nowhere.",
        _OVERLAY + "base: sales-posting@^2\ninsert: [{steps: [{id: note, drop: [customer]}]}]\n",
        _OVERLAY + "base: sales-posting@^2\ninsert: [{after: products, steps: [{id: note, drop: [customer]}]}]\n",
    ),
)
