"""TF50xx: what the connectors that come with the engine say of their own configuration."""

from __future__ import annotations

from engine.core.findings import Code

CODES: tuple[Code, ...] = (
    Code(
        "TF5001",
        "Not an encoding",
        "A file read in the wrong encoding gives other letters, and nobody notices until a name is on an invoice.",
        "format: {csv: {encoding: utf8-western}}\n",
        "format: {csv: {encoding: cp1252}}\n",
    ),
    Code(
        "TF5002",
        "A name occurs twice",
        "Two columns or fields of one name would overwrite each other in the record.",
        "columns: [store, till, store]\n",
        "columns: [store, till, store_name]\n",
    ),
    Code(
        "TF5003",
        "A column that does not exist",
        "The format can only group by, or rename, columns it has.",
        "format: {csv: {columns: [store, till], group_by: [stroe]}}\n",
        "format: {csv: {columns: [store, till], group_by: [store]}}\n",
    ),
    Code(
        "TF5004",
        "Fields that overlap",
        "A character of a fixed-width line belongs to one field.",
        "fields: [{name: store, from: 1, length: 5}, {name: till, from: 5, length: 2}]\n",
        "fields: [{name: store, from: 1, length: 4}, {name: till, from: 5, length: 2}]\n",
    ),
    Code(
        "TF5005",
        "Two kinds of lines look the same",
        "The characters a line begins with tell its kind, so each kind has its own.",
        "lines: [{type: head, prefix: H, fields: [..]}, {type: line, prefix: H, fields: [..]}]\n",
        "lines: [{type: head, prefix: H, fields: [..]}, {type: line, prefix: L, fields: [..]}]\n",
    ),
    Code(
        "TF5006",
        "Two aliases for one namespace",
        "Each name has one form, or a mapping would find an element under one and miss it under the other.",
        "namespaces: {a: 'http://example.com/x', b: 'http://example.com/x'}\n",
        "namespaces: {a: 'http://example.com/x'}\n",
    ),
    Code(
        "TF5007",
        "Not a path of elements",
        "The path to the records names each element from the root, joined by a slash.",
        "record: /Orders//Order\n",
        "record: Orders/Order\n",
    ),
    Code(
        "TF5008",
        "Files are put away where they are taken from",
        "What was taken in would be found there as a new file, put away again and found again, without end.",
        "directory: data/pos/inbox\narchive: data/pos/inbox\n",
        "directory: data/pos/inbox\narchive: data/pos/archive\n",
    ),
    Code(
        "TF5010",
        "`auth` names no scheme",
        "Each service proves itself in its own way; the scheme says which.",
        "auth: {token: '${secret.shop_token}'}\n",
        "auth: {scheme: bearer, token: '${secret.shop_token}'}\n",
    ),
    Code(
        "TF5011",
        "Unknown auth scheme",
        "A request that is not checked, or not signed, in the way the other side does it is refused or forged.",
        "auth: {scheme: strip, secret: '${secret.stripe}'}\n",
        "auth: {scheme: stripe, secret: '${secret.stripe}'}\n",
    ),
    Code(
        "TF5012",
        "A connection that leads nowhere",
        "An HTTP connection sends to a `url`, or takes in webhooks at a `listen` address, or both.",
        "connections:\n  shop: {connector: core.http}\n",
        "connections:\n  shop: {connector: core.http, url: 'https://shop.example.com'}\n",
    ),
    Code(
        "TF5013",
        "Not a base address",
        "Requests never leave the host of this address, so it must name one; a user or a query has no place in it.",
        "url: shop.example.com/api\n",
        "url: https://shop.example.com/api\n",
    ),
    Code(
        "TF5014",
        "Not an address to listen on",
        "The address says on which of this machine's addresses, and at which port, webhooks are taken in.",
        "listen: ':8080'\n",
        "listen: 127.0.0.1:8080\n",
    ),
    Code(
        "TF5015",
        "A secret that proves nothing",
        "A blank secret, or one short enough to be guessed, lets anyone sign a request as if it came from the sender. "
        "Senders prove themselves by at least 8 characters, in Standard Webhooks by at least 24 bytes.",
        "# TILLFLOW_SECRET_HOOK=whsec_\nauth: {scheme: standard_webhooks, secret: '${secret.hook}'}\n",
        "# TILLFLOW_SECRET_HOOK=whsec_ and the base64 of 24 or more random bytes\n"
        "auth: {scheme: standard_webhooks, secret: '${secret.hook}'}\n",
    ),
    Code(
        "TF5016",
        "Not a Standard Webhooks secret",
        "The key of this scheme is what the base64 behind `whsec_` stands for; from another text no signature can be "
        "checked, and every request would be refused.",
        "# TILLFLOW_SECRET_HOOK=my secret\nauth: {scheme: standard_webhooks, secret: '${secret.hook}'}\n",
        "# TILLFLOW_SECRET_HOOK=whsec_ and the base64 of 24 or more random bytes\n"
        "auth: {scheme: standard_webhooks, secret: '${secret.hook}'}\n",
    ),
    Code(
        "TF5017",
        "A scheme that works the other way only",
        "Some schemes check what others send and sign nothing, `oauth2` fetches a token to send and checks nothing: in "
        "the other direction every request would fail.",
        "listen: 127.0.0.1:8080\n"
        "auth: {scheme: oauth2, token_url: 'https://id.example.com/token', client_id: us, client_secret: '${secret.hook}'}\n",
        "listen: 127.0.0.1:8080\nauth: {scheme: github, secret: '${secret.hook}'}\n",
    ),
    Code(
        "TF5020",
        "Not the address of a database",
        "PostgreSQL is reached over the network, SQLite by the path of a file.",
        "url: sqlite:data/ledger.db\n",
        "url: sqlite:///data/ledger.db\n",
    ),
    Code(
        "TF5021",
        "A password in an address",
        "Addresses are shown in logs and on screens; a secret is not.",
        "url: postgresql://shop:letmein@db.example.com/shop\n",
        "url: postgresql://shop@db.example.com/shop\npassword: ${secret.shop_db}\n",
    ),
    Code(
        "TF5022",
        "Not the name of a table",
        "The name goes into statements as it stands, so it is letters, digits and underscores only.",
        "applied_table: applied-deliveries\n",
        "applied_table: applied_deliveries\n",
    ),
    Code(
        "TF5023",
        "A query that does not only read",
        "A lookup may be repeated at any time; whatever changes something is a sink with a guarantee.",
        "queries: {close: 'update orders set open = 0 where id = :id'}\n",
        "queries: {open: 'select open from orders where id = :id'}\n",
    ),
    Code(
        "TF5024",
        "Applied deliveries forgotten too early",
        "A delivery that the ledger still knows may be sent again; the table that keeps it from being applied twice has "
        "to remember it longer than the routes' `keep`.",
        "applied_keep: 30d\n",
        "applied_keep: 800d\n",
    ),
    Code(
        "TF5030",
        "More or less than one schedule",
        "A route that starts by itself has one rhythm; two routes can share their steps.",
        "from: {use: core.schedule, every: 1h, at: ['06:00']}\n",
        "from: {use: core.schedule, at: ['06:00']}\n",
    ),
    Code(
        "TF5031",
        "A schedule that ticks too often",
        "A tick is a durable event; for anything faster there are sources that wait for what happens.",
        "from: {use: core.schedule, every: 100ms}\n",
        "from: {use: core.schedule, every: 5s}\n",
    ),
    Code(
        "TF5032",
        "Not a time zone",
        "Closing time is a local time; the zone says whose, and when its clock is put forward.",
        "from: {use: core.schedule, at: ['22:00'], zone: CEST}\n",
        "from: {use: core.schedule, at: ['22:00'], zone: Europe/Madrid}\n",
    ),
    Code(
        "TF5033",
        "Not a time of day",
        "Times are written with hours from 0 to 23 and minutes.",
        "from: {use: core.schedule, at: ['24:30']}\n",
        "from: {use: core.schedule, at: ['00:30']}\n",
    ),
    Code(
        "TF5034",
        "Not a cron expression",
        "Five fields: minute, hour, day, month, weekday.",
        "from: {use: core.schedule, cron: '6 * *'}\n",
        "from: {use: core.schedule, cron: '0 6 * * *'}\n",
    ),
    Code(
        "TF5040",
        "Half a log-in",
        "A mail server wants both a user and a password, or neither.",
        "user: tillflow\n",
        "user: tillflow\npassword: ${secret.smtp}\n",
    ),
    Code(
        "TF5041",
        "A password in the clear",
        "Without TLS everybody on the way can read it.",
        "security: none\nuser: tillflow\npassword: ${secret.smtp}\n",
        "security: starttls\nuser: tillflow\npassword: ${secret.smtp}\n",
    ),
    Code(
        "TF5050",
        "A library is not installed",
        "Rules of countries need cryptography for signatures and python-stdnum for tax numbers. Both come with tillflow; an installation that left out what tillflow requires lacks them.",
        "rksv: {mode: verify, ..}                # without cryptography\n",
        "pip install cryptography\n",
    ),
)
