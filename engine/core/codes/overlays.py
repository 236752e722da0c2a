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
    Code(
        "TF6002",
        "An overlay in a region without a pack",
        "The pack says which events its overlays are for; without one they would apply to none.",
        "routes/regions/es/sales-posting.overlay.yaml, and no pack.yaml beside it",
        "routes/regions/es/pack.yaml beside it, with `pack: es`, `layer: country` and `for: {country: ES}`",
    ),
    Code(
        "TF6008",
        "A parameter this layer must not set",
        "The base decides who may set a parameter: `overridable_by` names the layers.",
        "a brand's overlay with `set: {posting: line}`, where the route says `overridable_by: [country]`",
        "`overridable_by: [country, brand]` in the route, if its owner agrees",
    ),
    Code(
        "TF6010",
        "A value outside the bounds of its parameter",
        "The base says which values a parameter may have; an overlay chooses one of them.",
        "`set: {erp_rate: 500/s}`, where the route says `max: 200/s`",
        "`set: {erp_rate: 150/s}`",
    ),
    Code(
        "TF6011",
        "A step or sink that does not allow this",
        "What a region may take out or put in is decided by the base: `may` at the step or sink, never where it is locked.",
        "`disable: [{id: card-data, reason: ..}]`, where the route says `lock: true`",
        "`disable: [{id: loyalty, reason: ..}]`, where the route says `may: [disable]`",
    ),
    Code(
        "TF6012",
        "A sink cannot be connected so",
        "A region brings its own system of the same kind, with limits that say what it can bear.",
        "`connect: {erp: crm}`, a connection of another connector",
        "`connect: {erp: finance-erp-es}`, which is `like: finance-erp`",
    ),
    Code(
        "TF6013",
        "The route has another version",
        "An overlay was written for a route as it was; a new major version may have moved what it changes.",
        "`base: sales-posting@^1`, and the route has `version: 2.3.0`",
        "`base: sales-posting@^2`, once somebody has looked at what changed",
    ),
    Code(
        "TF6014",
        "Two overlays of one layer change the same thing",
        "Which of them comes last would be a matter of file names. Across layers the stronger one comes last; within one "
        "layer `order` says it. Overlays whose days do not meet need none.",
        "two country overlays with `set: {posting: ..}`, and no `order`",
        "`order: 1` in one and `order: 2` in the other",
    ),
    Code(
        "TF6015",
        "A step reaches further than its slot allows",
        "The base decides what the steps of a slot may reach: `pure` the data only, `reads` tables, `calls` other systems, "
        "`state` what is kept between events.",
        "an `enrich` step in a slot with `allows: [pure]`",
        "`allows: [pure, reads]` at the slot, if the owner of the route agrees",
    ),
    Code(
        "TF6016",
        "A slot changes data outside of its place",
        "Steps after a slot rely on what the base says. What a region adds goes under the path the slot `yields`.",
        "`set: {totals.net: ..}` in a slot with `yields: extensions.fiscal`",
        "`set: {extensions.fiscal.net: ..}`",
    ),
    Code(
        "TF6017",
        "A mapping's slot is filled in vain, or twice",
        "A slot adds fields to a mapping this route uses; it never replaces a field that is there.",
        "`fill_mapping: {sale-to-journal: {extra: {currency: ..}}}`, and the mapping has a field `currency`",
        "`fill_mapping: {sale-to-journal: {extra: {fiscal_hash: extensions.fiscal.hash}}}`",
    ),
    Code(
        "TF6018",
        "Nothing says where an event belongs",
        "A pack is found by what scopes.yaml makes of an event. Where no country can be found, law would fail open.",
        "routes/regions/es/pack.yaml, and no routes/scopes.yaml",
        "routes/scopes.yaml with `scopes: {country: store.country}`",
    ),
    Code(
        "TF6019",
        "Two packs for the same events",
        "One region has one owner and one residency.",
        "two packs with `layer: country` and `for: {country: ES}`",
        "one pack with the overlays of both",
    ),
    Code(
        "TF6020",
        "Data would leave its zone",
        "A country pack names the zone its data must not leave. A sink or call to a system elsewhere, or to one of which "
        "nobody says where it stands, is refused.",
        "a sink to a connection with `zone: us`, in a country with `residency: eu`",
        "`connect: {crm: crm-eu}` in the country's overlay, a connection with `zone: eu`",
    ),
    Code(
        "TF6021",
        "A rule is overdue for review",
        "Laws change; `review_by` says when somebody looks at an overlay again.",
        "`review_by: 2025-01-01`, a day that is over",
        "a day to come, once somebody has looked",
    ),
    Code(
        "TF6022",
        "Two overlays of one name",
        "Plans, tests and what `render` shows name an overlay; a name leads to one.",
        "`overlay: es-sales` in two files",
        "`overlay: es-sales` and `overlay: es-returns`",
    ),
    Code(
        "TF6023",
        "An overlay nobody comes to",
        "Scope is found for events of a canonical type. A route whose events have none, or in whose type the country does "
        "not occur, runs as it is everywhere.",
        "an overlay of a route that takes native files in",
        "an overlay of the route that takes the canonical events",
    ),
    Code(
        "TF6024",
        "An overlay says what is so already",
        "Who reads an overlay takes each line for a difference. One that makes none, in no scope and on no day, is left over "
        "or does not do what was meant. Under a `legal` reference a value may be held that the base has too.",
        "`set: {posting: line}`, where `line` is what the route has",
        "`set: {posting: summary}`, or no overlay",
    ),
    Code(
        "TF6025",
        "Countries without a pack",
        "From the first pack on, an event of a country without one becomes a work item `unknown-scope`. Where the country "
        "is found in a table, its rows say which countries there are.",
        "a pack for ES alone, `country: lookup('stores', store.id).country`, and stores in ES and DE",
        "a `pack.yaml` for ES and one for DE, which needs no overlays",
    ),
    Code(
        "TF6026",
        "A fiscal record is issued where no till waits for it",
        "What a step with `mode: issue` makes has to stand on the receipt in the customer's hand. On a route that answers "
        "the till before it prints it can: `from` a source that answers, with `reply`, and no step before it that keeps "
        "the event for later. Everywhere else the receipt was printed before, and a second record of it would be made.",
        "`verifactu: {mode: issue, ..}` in a route with `from: {event: sale.completed@2}`",
        "`verifactu: {mode: verify, ..}`, which checks the record that the till brought",
    ),
    Code(
        "TF6027",
        "A pack that only verifies issues fiscal records",
        "The `mode` of a pack says who signs in its region: `verify` means that the tills do. Who relies on it must not find "
        "a second one who signs.",
        "`mode: verify` in pack.yaml, and `rksv: {mode: issue, ..}` in a file beside it",
        "`rksv: {mode: verify, ..}`, or `mode: issue` in pack.yaml where the tills wait for their records",
    ),
    Code(
        "TF6028",
        "What fiscal records are issued for has no key",
        "A till that got no answer sends its receipt again, perhaps written a little differently. By the key of its type it "
        "is known and gets the record it has; without one it would be signed a second time.",
        "`rksv: {mode: issue, ..}` in a route without `accepts`",
        "`accepts: receipt@1`, whose schema says `x-tillflow: {key: [till, number]}`",
    ),
)
