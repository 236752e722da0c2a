"""TF11xx: keys and their values."""

from __future__ import annotations

from engine.core.findings import Code

CODES: tuple[Code, ...] = (
    Code(
        "TF1101",
        "Unknown key",
        "A key nobody reads has no effect, and whoever wrote it believes it has.",
        "ower: finance\n",
        "owner: finance\n",
    ),
    Code(
        "TF1102",
        "A key is missing",
        "Without it the file does not say enough: an engine that guesses would guess wrong one day.",
        "steps:\n  - filter: {reason: training-mode}\n",
        "steps:\n  - id: training\n    filter: {reason: training-mode}\n",
    ),
    Code(
        "TF1103",
        "A value of the wrong kind",
        'Values are never converted silently: 0042 and 42 are different stores, and "false" is not false.',
        "owner: 42\n",
        'owner: "42"\n',
    ),
    Code(
        "TF1104",
        "Not one of the possible values",
        "The value is one of a short list of words.",
        "criticality: finacial\n",
        "criticality: financial\n",
    ),
    Code(
        "TF1105",
        "A value outside its bounds",
        "The bounds keep a typing mistake from becoming an outage.",
        "connections:\n  erp: {connector: core.http, limits: {concurrency: 0}}\n",
        "connections:\n  erp: {connector: core.http, limits: {concurrency: 4}}\n",
    ),
    Code(
        "TF1106",
        "The key belongs elsewhere",
        "The key exists, in another block: mostly the indentation is one level off.",
        "retry: {give_up_after: 24h, first: 1s}\n",
        "retry: {give_up_after: 24h, backoff: {first: 1s}}\n",
    ),
    Code(
        "TF1107",
        "A word for later",
        "The word is part of the language, and this version of the engine does not do it yet. It is refused "
        "instead of ignored.",
        "steps:\n  - id: pickup\n    await: {event: order.picked_up@1}\n",
        "steps:\n  - id: pickup\n    filter: {reason: not-picked-up}\n",
    ),
    Code(
        "TF1108",
        "Keys that exclude each other",
        "Each of these keys answers the same question, so exactly one of them is written.",
        "to: [{id: erp, event: sale.posted@1, table: prices}]\n",
        "to: [{id: erp, event: sale.posted@1}]\n",
    ),
    Code(
        "TF1109",
        "Not a well-formed name",
        "Names appear in queues, metrics, addresses and file names, so they are lower-case words joined by "
        "hyphens; parameters are "
        "joined by underscores, because expressions use them.",
        "to: [{id: ERP_Sink, event: sale.posted@1}]\n",
        "to: [{id: erp-sink, event: sale.posted@1}]\n",
    ),
    Code(
        "TF1110",
        "An id is used twice",
        "Figures, tests, stubs and overlays name steps and sinks by their id, so an id names one of them.",
        "to: [{id: erp, event: sale.posted@1}, {id: erp, event: sale.booked@1}]\n",
        "to: [{id: erp, event: sale.posted@1}, {id: ledger, event: sale.booked@1}]\n",
    ),
    Code(
        "TF1111",
        "Two ids are too alike",
        "With ids that differ by one character a typing mistake in a test or overlay names the other one without "
        "an error.",
        "to: [{id: order, event: sale.posted@1}, {id: orders, event: sale.booked@1}]\n",
        "to: [{id: order, event: sale.posted@1}, {id: all-orders, event: sale.booked@1}]\n",
    ),
    Code(
        "TF1112",
        "A step with two types",
        "A step does one thing, so that its figures and failures say which.",
        "steps:\n  - id: prepare\n    map: sale-to-journal\n    drop: [customer]\n",
        "steps:\n  - id: prepare\n    map: sale-to-journal\n  - id: no-customer\n    drop: [customer]\n",
    ),
    Code(
        "TF1113",
        "A step that does nothing",
        "Beside the keys every step may have there is one that says what it does.",
        "steps:\n  - id: training\n    when: is_true(training)\n",
        "steps:\n  - id: training\n    when: is_true(training)\n    filter: {reason: training-mode}\n",
    ),
    Code(
        "TF1114",
        "An empty value",
        "An empty text, list or block says nothing; it is a forgotten value more often than a wish.",
        'owner: ""\n',
        "owner: finance-integration\n",
    ),
    Code(
        "TF1115",
        "Not a version",
        "Overlays name the major version of the route they fit; without three numbers they could not.",
        "version: v2\n",
        "version: 2.0.0\n",
    ),
    Code(
        "TF1116",
        "Not an event type",
        "An event type is the name and version of a schema, so that old and new subscribers can live side by side.",
        "from: {event: sale.completed}\n",
        "from: {event: sale.completed@2}\n",
    ),
    Code(
        "TF1117",
        "Not a date",
        "Dates are written year-month-day everywhere, whatever the country.",
        "tests:\n  - {name: a, given: {event: {id: 1}}, expect: {work_items: []}, review_by: 1.12.2027}\n",
        "tests:\n  - {name: a, given: {event: {id: 1}}, expect: {work_items: []}, review_by: 2027-12-01}\n",
    ),
    Code(
        "TF1118",
        "A parameter's value is not one it may have",
        "The bounds of a parameter hold for its default as well.",
        "params: {posting: {values: [line, summary], default: lines}}\n",
        "params: {posting: {values: [line, summary], default: line}}\n",
    ),
    Code(
        "TF1119",
        "The value is refused",
        "The plugin that reads this value does not accept it; the message says why.",
        "from: {use: core.http, connection: shop, path: orders}",
        "from: {use: core.http, connection: shop, path: /orders}",
    ),
    Code(
        "TF1120",
        "An expression is text",
        "Expressions are written as text. Numbers and yes/no inside them stand between backticks: `10`, `true`.",
        "steps:\n  - id: training\n    when: true\n    filter: {reason: training-mode}\n",
        "steps:\n  - id: training\n    when: is_true(training)\n    filter: {reason: training-mode}\n",
    ),
    Code(
        "TF1121",
        "A value is an expression",
        "A bare number or yes/no could be meant as a constant or as a forgotten expression; a constant says so.",
        "with: {count: 3}",
        "with: {count: {const: 3}}",
    ),
    Code(
        "TF1122",
        "A value has one origin",
        "A value comes from exactly one of an expression, a template and a constant; `optional`, `default` and "
        "`values` add to it.",
        "with: {name: {expr: name, template: '{{ name }}'}}",
        "with: {name: {template: '{{ name }}'}}",
    ),
    Code(
        "TF1123",
        "A key has at least one part",
        "A key without parts would be the same for everything.",
        "tables:\n  stores: {key: []}\n",
        "tables:\n  stores: {key: [id]}\n",
    ),
    Code(
        "TF1124",
        "Not a duration",
        "A number without a unit would be seconds to one reader and milliseconds to another.",
        "keep: 400\n",
        "keep: 400d\n",
    ),
    Code(
        "TF1125",
        "Not a rate",
        "A rate is a count per time.",
        "to: [{id: erp, event: sale.posted@1, rate: 50}]\n",
        "to: [{id: erp, event: sale.posted@1, rate: 50/s}]\n",
    ),
    Code(
        "TF1126",
        "Not a size",
        "A size is a number with B, KiB, MiB or GiB.",
        "claim_check: {above: 256k}",
        "claim_check: {above: 256KiB}",
    ),
    Code(
        "TF1127",
        "Not a path",
        "A place in the data is named by words joined by dots; what has to be computed is an expression, not a place.",
        "into: line['product']",
        "into: line.product",
    ),
    Code(
        "TF1128",
        "Steps are a list",
        "Steps run one after the other, so they are a list even when there is only one.",
        "try: {steps: {id: ask, call: {..}}}",
        "try: {steps: [{id: ask, call: {..}}]}",
    ),
    Code(
        "TF1129",
        "A secret stands in a file",
        "Files are kept in version control, shown and sent around. A secret is named in the file, and its value "
        "stands where the "
        "engine runs.",
        "password: hunter2",
        "password: ${secret.erp_password}",
    ),
)
