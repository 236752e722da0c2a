"""Findings about the bodies of step types."""

from __future__ import annotations

from engine.core.findings import Code

CODES: tuple[Code, ...] = (
    Code(
        "TF1130",
        "This is not a reason",
        "People filter work items and reports by their reasons, so a reason is a stable name: lower case words "
        "joined by dashes. A sentence belongs into `detail`.",
        "filter: {reason: Training mode!}",
        "filter: {reason: training-mode}",
    ),
    Code(
        "TF1131",
        "This is not a name for an item",
        "`as` gives the item a name that expressions use, so it must be one word of letters, digits and underscores.",
        "each: {in: lines, as: the line}",
        "each: {in: lines, as: line}",
    ),
    Code(
        "TF1132",
        "Values stand under their names",
        "`with` and `params` say which value is meant by its name; a list or a single text cannot.",
        "with: [receipt_no]",
        "with: {reference: receipt_no}",
    ),
    Code(
        "TF1160",
        "A path to drop names a field",
        "`lines[]` means every item of the list. Dropping every item leaves an empty list, which most receivers "
        "take for a sale without lines; dropping the list, or a field of its items, is what is meant.",
        'drop: ["lines[]"]',
        'drop: ["lines[].cost"]',
    ),
    Code(
        "TF1161",
        "A branch has exactly one of when and otherwise",
        "A branch is taken for a condition, or when no other was; without either nobody can tell when it runs.",
        "- {steps: [{id: map-sale, map: to-sale}]}",
        "- {when: \"kind == 'sale'\", steps: [{id: map-sale, map: to-sale}]}",
    ),
    Code(
        "TF1162",
        "otherwise comes last",
        "Branches are asked in order and `otherwise` always holds, so nothing after it can ever run.",
        "choose: [{otherwise: true, steps: [..]}, {when: is_true(training), steps: [..]}]",
        "choose: [{when: is_true(training), steps: [..]}, {otherwise: true, steps: [..]}]",
    ),
    Code(
        "TF1163",
        "enrich has exactly one place to ask",
        "A reference comes from a table, by its key, or from a system, by a call; two of them would leave open "
        "which one counts.",
        "enrich: {table: stores, into: store.details}",
        "enrich: {table: stores, key: store.id, into: store.details}",
    ),
    Code(
        "TF1164",
        "With each, into lies inside the item",
        "What is found belongs to one item. Put anywhere else, each item's would overwrite the one before.",
        "enrich: {each: {in: lines, as: line}, table: products, key: line.sku, into: product}",
        "enrich: {each: {in: lines, as: line}, table: products, key: line.sku, into: line.product}",
    ),
    Code(
        "TF1165",
        "enrich only reads",
        "An enrichment may be asked again or answered from a cache. A change in another system must be claimed in "
        "the ledger and done once; that is what `call` and sinks do.",
        "enrich: {call: {use: erp.tryton, connection: finance-erp, action: book}, into: posted}",
        "call: {use: erp.tryton, connection: finance-erp, action: book, into: posted}",
    ),
    Code(
        "TF1166",
        "missing has exactly one answer",
        "An event whose reference is missing either waits for a person or goes on with a value that stands in.",
        "missing: {work_item: unknown-sku, default: {name: unknown}}",
        "missing: {work_item: unknown-sku}",
    ),
    Code(
        "TF1167",
        "effect and cache do not fit this action",
        "`effect` names a change so that it is made once, `cache` uses an answer again. An action that only reads "
        "has no effect, and one that changes something must never be answered from a cache.",
        "call: {use: core.http, connection: crm, action: get, effect: read-customer}",
        "call: {use: core.http, connection: crm, action: get, cache: {ttl: 5m}}",
    ),
    Code(
        "TF1168",
        "max_stale is shorter than ttl, or missing",
        "`ttl` is how old an answer may be while all is well, `max_stale` how old while the system is down. A "
        "shorter `max_stale` could never be used, and without one `stale_into` could never say yes.",
        "cache: {ttl: 1h, max_stale: 5m}",
        "cache: {ttl: 5m, max_stale: 1h}",
    ),
    Code(
        "TF1169",
        "A delay has exactly one of for and until",
        "The event goes on after a time or at a moment; with both or neither nobody can tell when.",
        "delay: {}",
        "delay: {for: 15m}",
    ),
    Code(
        "TF1170",
        "A template has exactly one of text and file",
        "The text of the template stands in place or in a file of mappings/templates.",
        "template: {into: mail.body}",
        "template: {file: receipt-mail.j2, into: mail.body}",
    ),
    Code(
        "TF1171",
        "Nothing is masked",
        "A mask that names nothing lets everything through, which is the opposite of what a reader expects of it.",
        "mask: {}",
        "mask: {pan: everywhere}",
    ),
    Code(
        "TF1172",
        "A policy without a rule allows everything",
        "A policy that names no case looks like a check and is none.",
        "policy: {}",
        "policy: {deny: [{when: \"totals.gross > money('500.00')\", reason: too-high}]}",
    ),
    Code(
        "TF1173",
        "What a group carries must be named once",
        "Each path of the output is filled by one of sum, collect, first, last and members; filled twice, one of "
        "the two values would be lost, and a group that carries nothing says nothing.",
        "sum: {gross: totals.gross}, first: {gross: totals.gross}",
        "sum: {gross: totals.gross}, first: {store: store.id}",
    ),
)
