"""TF30xx: names that lead nowhere, or to something of another kind."""

from engine.core.findings import Code

_WHY = "A route is compiled as a whole before anything runs: a name that leads nowhere would fail on the first event."

CODES: tuple[Code, ...] = (
    Code(
        "TF3001",
        "unknown connection",
        f"{_WHY} Connections are defined in routes/connections.yaml.",
        "connection: finance-epr",
        "connection: finance-erp",
    ),
    Code(
        "TF3002",
        "unknown mapping",
        f"{_WHY} A mapping is a file of mappings/ that says `mapping: <name>`.",
        "map: sale-to-jounal",
        "map: sale-to-journal",
    ),
    Code(
        "TF3003",
        "unknown schema",
        f"{_WHY} A schema is a file of mappings/schemas/ whose `$id` is `<name>@<version>`.",
        "validate: sale.complete@2",
        "validate: sale.completed@2",
    ),
    Code(
        "TF3004",
        "unknown table",
        f"{_WHY} Tables are defined in routes/tables.yaml.",
        "enrich: {table: product, key: sku, into: product}",
        "enrich: {table: products, key: sku, into: product}",
    ),
    Code(
        "TF3005",
        "unknown template file",
        f"{_WHY} Template files are in mappings/templates/.",
        "template: {file: reciept.j2, into: mail}",
        "template: {file: receipt.j2, into: mail}",
    ),
    Code(
        "TF3006",
        "unknown shared steps",
        f"{_WHY} Shared steps are files of routes/ that say `subflow: <name>`.",
        "subflow: {name: totals-chek}",
        "subflow: {name: totals-check}",
    ),
    Code(
        "TF3007",
        "unknown event type",
        "What an event is and what makes two of them the same is written in the schema of its type, so a "
        "type without a "
        "schema can be neither published nor subscribed to.",
        "from: {event: sale.complete@2}",
        "from: {event: sale.completed@2}",
    ),
    Code(
        "TF3008",
        "no such part or test of this route",
        "Parts of a route (steps, sinks, slots, parameters) are known by their name within it: a tap, or what an overlay "
        "changes, names one of them. `expects_change` of an overlay names a test by the whole of its `name`; it is one "
        "of the overlay's base, that is with `route: <base>`, or without `route:` in the file `<base>.test.yaml`.",
        "wire_tap: {sink: audt}  # in a route\nexpects_change: [{test: sale twice, because: no loyalty}]  # in an overlay",
        "wire_tap: {sink: audit}  # in a route\n"
        "expects_change: [{test: a sale is posted once though it arrives three times, because: no loyalty}]  # in an overlay",
    ),
    Code(
        "TF3009",
        "unknown format",
        "A format is a plugin that turns bytes into records; `tillflow explain formats` lists the installed ones.",
        "format: pos.poslgo",
        "format: pos.poslog",
    ),
    Code(
        "TF3010",
        "unknown action",
        "A connector offers its sinks and calls as named actions; `tillflow connectors show NAME` lists them.",
        "action: post_mov",
        "action: post_move",
    ),
    Code(
        "TF3012",
        "unknown connector",
        "A connector is a plugin for one outside system; `tillflow connectors list` shows the installed ones. An engine that "
        "runs knows those that were installed when it started: after another was installed it must be restarted.",
        "use: core.fils",
        "use: core.files",
    ),
    Code(
        "TF3013",
        "unknown step type",
        "A step has one key that says what it does; `tillflow explain steps` lists the installed step types.",
        "- {id: products, enrch: {table: products}}",
        "- {id: products, enrich: {table: products}}",
    ),
    Code(
        "TF3016",
        "unknown route",
        "A test, an overlay or a lifecycle names a route by what the file says under `route:`.",
        "route: sale-posting",
        "route: sales-posting",
    ),
    Code(
        "TF3017",
        "connection of another connector",
        "`use` and the connector of `connection` have to be the same: the action is one of that connector.",
        "use: core.http\nconnection: store-files",
        "use: core.files\nconnection: store-files",
    ),
    Code(
        "TF3018",
        "connector cannot do this",
        "Connectors offer sources, sinks or calls; not every connector offers all three.",
        "from: {use: core.smtp, connection: mail}",
        "from: {use: core.files, connection: store-files}",
    ),
    Code(
        "TF3019",
        "connector for another engine",
        "A connector says which version of the plugin API it was written for. With another one it may "
        "misbehave, so its "
        "routes are not built; every other route is.",
        "Connector(name='x', api=0, ...)",
        "Connector(name='x', api=API, ...)",
    ),
    Code(
        "TF3020",
        "connector cannot be loaded",
        "Importing the plugin raised an error, or it is put together wrongly; what is wrong is quoted. Routes that "
        "use it are not built; every other route is.",
        "use: saas.ours    # import fails",
        "use: saas.ours    # installed with what it needs",
    ),
    Code(
        "TF3021",
        "`like` does not fit",
        "`like` takes limits and zone from another connection of the same connector, and that one may not lead back.",
        "shop-es: {connector: core.http, like: store-files}",
        "shop-es: {connector: core.http, like: shop}",
    ),
    Code(
        "TF3023",
        "nothing uses this",
        "A definition that nothing refers to is either left over, or the reference to it is misspelt.",
        "connections: {finance-epr: {..}}    # routes say finance-erp",
        "connections: {finance-erp: {..}}",
    ),
    Code(
        "TF3024",
        "unknown fact of the event",
        "meta() knows id, type, schema, source, subject, time, day, region, route, attempt and header.<name>.",
        "meta('shema')",
        "meta('schema')",
    ),
    Code(
        "TF3026",
        "stub or expectation of nothing",
        "A test may stand in for a step, a sink or a connection of its route, and expects something of its sinks.",
        "expect: {sinks: {epr: {count: 1}}}",
        "expect: {sinks: {erp: {count: 1}}}",
    ),
    Code(
        "TF3029",
        "expectation of a field that is never there",
        "What the sink gets, or a work item, has no such field, so the test could only fail.",
        "items: [{refrence: R-1}]",
        "items: [{reference: R-1}]",
    ),
    Code(
        "TF3030",
        "reason that almost is one of the route",
        "No step of the route gives this reason, and one gives a reason that is written almost like it.",
        "work_items: [{reason: unknown-skus}]",
        "work_items: [{reason: unknown-sku}]",
    ),
    Code(
        "TF3028",
        "unknown matcher",
        "Keys of an expectation that start with `$` say how something is compared; with any other the test could not "
        "fail.",
        "count: {$at_last: 1}",
        "count: {$at_least: 1}",
    ),
    Code(
        "TF3027",
        "not a value of the parameter",
        "A parameter with `values` is only ever one of them, so comparing it with something else is always false.",
        "when: param('posting') == 'lines'",
        "when: param('posting') == 'line'",
    ),
)
