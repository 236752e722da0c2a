"""TF40xx: routes as a whole, and what they promise."""

from engine.core.findings import Code

CODES: tuple[Code, ...] = (
    Code(
        "TF4004",
        "financial sink that may double or lose",
        "On a financial route every effect happens exactly once. With this action's guarantee a lost answer "
        "leaves two ways: "
        "repeating may double the effect, not repeating may lose it.",
        "criticality: financial\nto: [{id: mail, use: core.smtp, connection: mail, action: send}]",
        "accept_duplicates_because: a second mail does no harm",
    ),
    Code(
        "TF4005",
        "financial call that may double or lose",
        "A call that changes something is an effect like a sink's; on a financial route it happens exactly once.",
        "call: {use: core.http, connection: shop, action: notify}",
        "accept_duplicates_because: the shop ignores a second notice",
    ),
    Code(
        "TF4006",
        "condition that never changes",
        "The condition gives the same answer for every event: the step or sink is either never reached or "
        "needs no condition.",
        "when: \"'line' == 'summary'\"",
        "when: param('posting') == 'summary'",
    ),
    Code(
        "TF4007",
        "choose without otherwise",
        "An event for which no branch holds becomes a work item; `otherwise` says what is meant to happen.",
        "choose: [{when: kind == 'sale', steps: [..]}]",
        "choose: [{when: kind == 'sale', steps: [..]}, {otherwise: true, steps: [{id: rest, filter: "
        "{reason: not-a-sale}}]}]",
    ),
    Code(
        "TF4008",
        "published and not subscribed to",
        "Events of this type are published and no route of this project subscribes to them; they would be unroutable.",
        "to: [{id: moves, event: stock.moved@1}]    # no route has from: {event: stock.moved@1}",
        "from: {event: stock.moved@1}",
    ),
    Code(
        "TF4009",
        "subscribed to and not published",
        "No route of this project publishes events of this type or takes them in, so this route never runs.",
        "from: {event: stock.moved@1}    # nothing publishes it",
        "to: [{id: moves, event: stock.moved@1}]",
    ),
    Code(
        "TF4010",
        "routes that feed each other",
        "These routes publish what the next one subscribes to, round in a circle, and no filter or condition ends it.",
        "a -> b -> a",
        "add a `filter`, or a `when` on the sink",
    ),
    Code(
        "TF4011",
        "parameter that is not used",
        "A parameter nothing reads changes nothing, whatever an overlay sets it to.",
        "params: {tolerance: {type: number, default: 0}}",
        "when: abs(difference) <= param('tolerance')",
    ),
    Code(
        "TF4012",
        "value is not one of the parameter's",
        "Shared steps declare what their parameters may be.",
        "subflow: {name: totals, params: {tolerance: wide}}    # type: number",
        "subflow: {name: totals, params: {tolerance: 0.01}}",
    ),
    Code(
        "TF4013",
        "experience route writes to a system",
        "Routes for shops and apps ask process routes; they do not write to systems of record themselves.",
        "class: experience\nto: [{id: erp, use: erp.tryton, ..}]",
        "class: process",
    ),
    Code(
        "TF4014",
        "cut inside other steps",
        "This step keeps the event as durable state and ends a segment, so it stands directly under `steps` "
        "of the route.",
        "choose: [{when: .., steps: [{id: day, aggregate: {..}}]}, ..]",
        "steps: [{id: day, aggregate: {..}}]",
    ),
    Code(
        "TF4015",
        "field of the action is missing",
        "The action needs this value, and neither `with` nor `map` gives it.",
        "action: put\nwith: {}",
        "action: put\nwith: {path: receipt_no}",
    ),
    Code(
        "TF4016",
        "field the action does not have",
        "`with` holds the values an action takes; `tillflow connectors show NAME` lists them.",
        "with: {pth: receipt_no}",
        "with: {path: receipt_no}",
    ),
    Code(
        "TF4017",
        "source without a format",
        "Bytes become records through a format; this source has none of its own.",
        "from: {use: core.files, connection: store-files, match: '*.xml'}",
        "from: {use: core.files, connection: store-files, match: '*.xml', format: xml}",
    ),
    Code(
        "TF4018",
        "published document does not fit its type",
        "Every published event is checked against the schema of its type; what arrives at this sink can never pass.",
        "{id: moves, event: stock.moved@1}    # a sale arrives",
        "{id: moves, event: stock.moved@1, map: sale-to-stock-moves}",
    ),
    Code(
        "TF4019",
        "order without numbers",
        "Order is kept by numbers each event gets where it is born; the schema of the type has to say `order_by`. "
        "Behind `split` and `aggregate` an output has no number of its own.",
        "ordered: {on_failure: hold_key}    # the type has no order_by",
        "x-tillflow: {key: [..], order_by: [store.id]}",
    ),
    Code(
        "TF4020",
        "shared steps that contain themselves",
        "Shared steps are compiled into the route that uses them; a circle has no end.",
        "subflow a uses subflow b uses subflow a",
        "move what both need into a third subflow",
    ),
    Code(
        "TF4021",
        "key does not belong here",
        "The key has a meaning only together with another one.",
        "{id: moves, event: stock.moved@1, with: {sku: sku}}",
        "{id: moves, event: stock.moved@1, map: sale-to-stock-moves}",
    ),
    Code(
        "TF4022",
        "row of a table without its key",
        "A sink that keeps a table needs the key of the row: by default the table's own columns.",
        "{id: prices, table: prices}    # the data has no `sku`",
        "{id: prices, table: prices, key: item.sku}",
    ),
    Code(
        "TF4023",
        "key that waits for a person",
        "An action that must not be repeated leaves a work item whenever its answer is lost, and `hold_key` lets "
        "nothing of that key pass until somebody has decided.",
        "action: notify    # at_most_once\nordered: {on_failure: hold_key}",
        "ordered: {on_failure: skip}",
    ),
    Code(
        "TF4024",
        "records without a key on a financial route",
        "Without `accepts` a record is known by the content of its file and its place in it. The same file is taken in "
        "once; the same record in another file is a new event and is posted again. A type whose schema has a key makes "
        "it the same event, whatever file brings it. Nothing is said where the source gives ids of its own. A route that only publishes events needs none: the types it "
        "publishes have keys.",
        "criticality: financial\nfrom: {use: core.files, connection: tills, format: csv}",
        "criticality: financial\nfrom: {use: core.files, connection: tills, format: csv}\naccepts: till.receipt@1",
    ),
    Code(
        "TF4025",
        "records that the accepted type cannot be",
        "`accepts` holds every record against its schema as the format brings it. Where the format says what a record has "
        "and a required property is not among it, each record becomes a work item.",
        "accepts: till.receipt@1    # requires total\n"
        "from: {use: core.files, connection: tills, format: {csv: {group_by: [receipt_no]}}}",
        "accepts: till.receipt@1\nfrom: {use: core.files, connection: tills, format: csv}",
    ),
    Code(
        "TF4026",
        "What does not answer is caught, so nothing may be changed here",
        "`catch: {unavailable: true}` goes on without an answer. Of a request that changes something the answer says "
        "whether it did: going on without it would lose or double the change. So the steps of such a `try` only read.",
        "try:\n  steps: [{id: book, call: {use: erp.tryton, connection: finance-erp, action: book}}]\n"
        "  catch: {unavailable: true, steps: [..]}",
        "try:\n  steps: [{id: ask, call: {use: erp.tryton, connection: finance-erp, action: find_sale, "
        "with: {reference: receipt_no}}}]\n  catch: {unavailable: true, steps: [..]}",
    ),
)
