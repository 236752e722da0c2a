"""Pages of the codes that need a whole project: the wrong example gives the code where it belongs, the right one does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from engine.core.codes import catalogue
from tests.compile.support import edited_and_compiled, fixture_files, with_changes
from tests.config.test_codes import BELOW_KEYS, WITH_KEYS
from tests.expr.test_expression_pages import NOT_SHOWN, PAGES

Files = dict[str, str]
Frame = Callable[[str], Files]
ROUTE = "tillflow: 1\nroute: extra\nversion: 1.0.0\nowner: store-ops\ncriticality: operational\n"
KEPT = "to:\n  - {id: kept, use: core.files, connection: store-files, action: append, with: {name: {const: a}, content: x}}\n"
SALES, RETURNS, STOCK = "routes/sales-posting.yaml", "routes/returns.yaml", "routes/stock.yaml"
CONNECTIONS, TABLES = "routes/connections.yaml", "routes/tables.yaml"
OVERLAY = "routes/regions/es/sales-posting.overlay.yaml"
SHOP = "  shop: {connector: core.http, url: 'https://shop.example.com', listen: '127.0.0.1:8080'}\n"


SHORT = """
$id: journal.entry@1
title: An entry
type: object
required: [reference, date]
properties: {reference: {type: string}, date: {type: string}, extra: {type: object}}
"""


def indented(example: str, spaces: int) -> str:
    """The lines of an example below the first one as far to the right as that one will stand."""
    return example.strip("\n").replace("\n", "\n" + " " * spaces)


def instead(path: str, old: str) -> Frame:
    """The example in place of the first such text of a file of the fixture."""

    def frame(example: str) -> Files:
        text = fixture_files()[path].decode()
        before, found, after = text.partition(old)
        assert found, f"{old!r} is not in {path}"
        return {path: before + indented(example, len(before) - before.rfind("\n") - 1) + after}

    return frame


def step(path: str) -> Frame:
    """The example as the first step of a route."""
    return lambda example: {
        path: _steps(path).replace("steps:\n", f"steps:\n  - id: shown\n    {indented(example, 4)}\n", 1)
    }


def _steps(path: str) -> str:
    text = fixture_files()[path].decode()
    return text if "steps:\n" in text else text.replace("to:\n", "steps:\nto:\n")


def sink(path: str) -> Frame:
    """The example as a sink of a route, or several."""
    return lambda example: {path: fixture_files()[path].decode() + f"  - {indented(example, 4)}\n"}


def source() -> Frame:
    """The example as `from` of a route of its own."""
    return lambda example: {"routes/extra.yaml": f"{ROUTE}{example.strip()}\n{KEPT}", **connected(SHOP)}


def connected(text: str) -> Files:
    """More connections; they prove themselves by a secret that is there."""
    known = re.sub(r"secret\.\w+", "secret.klaviyo_key", text)
    return {CONNECTIONS: fixture_files()[CONNECTIONS].decode() + known}


def connection(kind: str, also: str = "") -> Frame:
    """The example as settings of a connection of this connector."""
    return lambda example: connected(f"  shown:\n    connector: {kind}\n{also}    {indented(example, 4)}\n")


def as_format(name: str = "") -> Frame:
    """The example as `format`, or as options of this one."""

    def frame(example: str) -> Files:
        told = f"format:\n    {name}:\n      {indented(example, 6)}" if name else indented(example, 2)
        brought = f"from:\n  use: core.files\n  connection: store-files\n  {told}\n"
        return {"routes/extra.yaml": ROUTE + brought + KEPT}

    return frame


def mapping(example: str) -> Files:
    """The example as (part of) a mapping of a sale."""
    head = "tillflow: 1\nmapping: shown\ninput: sale.completed@2\noutput: journal.entry@1\n"
    text = example if example.startswith("fields:") else f"fields:\n  {indented(example, 2)}\n"
    return {"mappings/shown.yaml": head + text, **instead(SALES, "map: sale-to-journal")("map: shown")}


def expecting(example: str) -> Files:
    """The example as what a test of sales expects."""
    text = example if example.startswith("expect:") else f"expect: {{sinks: {{erp: {{{example.strip()}}}}}}}"
    head = "tillflow: 1\ntests:\n  - name: shown\n    kind: example\n    route: sales-posting\n"
    return {"routes/shown.test.yaml": f"{head}    given: {{event: cases/sale.json}}\n    {text}\n"}


def changing(example: str) -> Files:
    """The example as `expects_change` of an overlay, alone."""
    text = fixture_files()[OVERLAY].decode()
    return {OVERLAY: text[: text.index("expects_change:")] + example + "\n"}


def table(declared: str, content: str = "") -> Files:
    """Another table, and the file it is read from."""
    text = fixture_files()[TABLES].decode()
    if declared.startswith("stores:"):
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("  stores:"))
    return {TABLES: f"{text}  {declared}\n"} | ({"mappings/tables/shown.csv": content} if content else {})


HTTP = connection("core.http", "    url: 'https://shop.example.com'\n")
WEBHOOK = connection("core.http", "    listen: 127.0.0.1:8080\n")
SQL = connection("core.sql", "    url: 'sqlite:///data/ledger.db'\n")
MAIL = connection("core.smtp", "    host: mail.example.com\n    sender: till@example.com\n")
PASSWORD = 'password: "${secret.erp_password}"'
PART = "fields: {code: part.code, amount: part.amount}"
RECEIPT = "title: Shown\nrequired: [receipt_no]\nproperties: {receipt_no: {type: string}}\n"
SHOWN = "shown: {csv: ../mappings/tables/shown.csv, key: id}"
ITEM = "$id: item@1\ntitle: An item\ntype: object\nrequired: [sku, name]\nproperties: {sku: {type: string}, name: {type: string}}\n"
STEPS = "[{id: shown-inside, drop: [reason]}]"
STORE = "table: stores, key: store.id, into: extensions.local.place"
ASKED = "call: {use: erp.tryton, connection: finance-erp, action: find_sale, with: {reference: receipt_no}}"
FRAMES: Mapping[str, Frame] = {
    "TF1119": source(),
    "TF1126": step(SALES),
    "TF1127": lambda example: step(SALES)(f"enrich:\n  table: stores\n  key: store.id\n  {example}"),
    "TF1128": lambda example: step(SALES)(example.replace("{..}", "{}")),
    "TF1130": step(SALES),
    "TF1131": lambda example: step(SALES)(
        f"enrich: {{{example.strip()}, table: products, key: line.sku, into: line.product}}"
    ),
    "TF1132": lambda example: step(SALES)(
        f"enrich: {{{ASKED.replace('with: {reference: receipt_no}', example.strip())}, into: extensions.local.sale}}"
    ),
    "TF1160": step(SALES),
    "TF1161": lambda example: step(SALES)(f"choose:\n  {example}\n  - {{otherwise: true, steps: {STEPS}}}"),
    "TF1162": lambda example: step(SALES)(example.replace("[..]", STEPS)),
    "TF1163": step(SALES),
    "TF1164": step(SALES),
    "TF1165": step(SALES),
    "TF1166": lambda example: step(SALES)(f"enrich: {{{STORE}, {example.strip()}}}"),
    "TF1167": step(SALES),
    "TF1168": lambda example: step(SALES)(f"enrich: {{{ASKED}, into: extensions.local.sale, {example.strip()}}}"),
    "TF1169": step(SALES),
    "TF1170": step(SALES),
    "TF1171": step(SALES),
    "TF1172": step(SALES),
    "TF1173": lambda example: instead(
        "routes/sales-summary.yaml",
        "sum: {gross: totals.gross}\n      first: {store: store.id, business_date: business_date, currency: currency}",
    )(example.replace("}, first", "}\nfirst")),
    "TF3001": instead(SALES, "connection: finance-erp"),
    "TF3002": instead(SALES, "map: sale-to-journal"),
    "TF3003": step(SALES),
    "TF3004": step(SALES),
    "TF3005": step(SALES),
    "TF3006": step(SALES),
    "TF3007": instead(SALES, "from: {event: sale.completed@2}"),
    "TF3008": lambda example: step(RETURNS)(example.splitlines()[0]) | changing(example.splitlines()[1]),
    "TF3009": instead("routes/pos-ingest.yaml", "format: pos.poslog"),
    "TF3010": instead(SALES, "action: post_move"),
    "TF3012": instead("routes/pos-ingest.yaml", "use: core.files"),
    "TF3013": lambda example: {SALES: _steps(SALES).replace("steps:\n", f"steps:\n  {example.strip()}\n", 1)},
    "TF1053": lambda example: instead(CONNECTIONS, "api_key: ${secret.klaviyo_key}")(
        example.replace("password:", "api_key:")
    ),
    "TF1129": instead(CONNECTIONS, PASSWORD),
    "TF3016": lambda example: instead("routes/sales-posting.test.yaml", "route: sales-posting")(example),
    "TF3018": lambda example: (
        source()(example) | connected("  mail: {connector: core.smtp, host: mail, sender: till@example.com}\n")
    ),
    "TF3507": lambda example: mapping(
        f"lines:\n  - each: {{in: tax_totals, as: part}}\n    {example.strip()}\n    {PART}"
    ),
    "TF3509": lambda example: mapping(f"lines:\n  - {example.strip()}\n    fields: {{account: receipt_no}}"),
    "TF3518": lambda example: mapping(f"lines:\n  - {indented(example, 4)}"),
    "TF3515": lambda example: {"mappings/schemas/stock.moved@1.yaml": example + RECEIPT},
    "TF3516": instead(
        "mappings/schemas/sale.completed@2.yaml",
        "$id: sale.completed@2\ntitle: A sale a till has finished\ncompatible_with: 1",
    ),
    "TF3525": instead("mappings/schemas/sale.completed@2.yaml", "business_date: business_date"),
    "TF3521": lambda example: table(example.strip().replace("csv: ", "csv: ../mappings/tables/")),
    "TF3522": lambda example: (
        table(SHOWN.replace("id}", "sku, schema: item@1}"), example) | {"mappings/schemas/item@1.yaml": ITEM}
    ),
    "TF3523": lambda example: table(SHOWN, example),
    "TF3524": lambda example: table(SHOWN.replace("key: id", "key: sku"), example),
    "TF4007": lambda example: step(SALES)(example.replace("[..]", STEPS)),
    "TF4026": lambda example: step(SALES)(example.replace("[..]", STEPS)),
    "TF4012": lambda example: step(SALES)(example.replace("totals,", "totals-check,")),
    "TF4015": lambda example: sink(SALES)(f"id: shown\nuse: core.http\nconnection: shop\n{example}") | connected(SHOP),
    "TF4016": lambda example: (
        sink(SALES)(f"id: shown\nuse: core.http\nconnection: shop\naction: put\n{example}") | connected(SHOP)
    ),
    "TF4024": lambda example: {
        "routes/extra.yaml": ROUTE.replace("criticality: operational\n", "")
        + example.strip().replace("tills", "store-files").replace("till.receipt@1", "sale.completed@2")
        + "\n"
        + KEPT
    },
    "TF4025": lambda example: {
        "routes/extra.yaml": ROUTE
        + example.strip().replace("tills", "store-files").replace("till.receipt@1", "sale.completed@2")
        + "\n"
        + KEPT
    },
    "TF3017": instead(RETURNS, "use: core.files\n    connection: store-files"),
    "TF3021": lambda example: connected(f"{SHOP}  {example}"),
    "TF3026": expecting,
    "TF3028": expecting,
    "TF3029": expecting,
    "TF3030": lambda example: expecting(f"expect: {{{example.strip()}}}"),
    "TF3501": mapping,
    "TF3502": lambda example: mapping(example) | {"mappings/schemas/journal.entry@1.yaml": SHORT},
    "TF3503": lambda example: (
        mapping(example)
        | {"mappings/schemas/journal.entry@1.yaml": f"{SHORT.rstrip()[:-1]}, amount: {{type: number}}}}\n"}
    ),
    "TF3504": mapping,
    "TF3505": mapping,
    "TF3508": mapping,
    "TF3519": instead(RETURNS, "into: extensions.local.text"),
    "TF4006": instead(SALES, "when: param('posting') == 'line'"),
    "TF4017": source(),
    "TF4018": sink(SALES),
    "TF4021": sink(SALES),
    "TF3024": lambda example: step(SALES)(f'set: {{extensions.local.kind: "{example.strip()}"}}'),
    "TF3027": instead(SALES, "when: param('posting') == 'line'"),
    "TF3510": instead("mappings/schemas/stock.moved@1.yaml", "minLength: 1"),
    "TF3511": instead("mappings/schemas/stock.moved@1.yaml", "type: string"),
    "TF3513": instead("mappings/schemas/stock.moved@1.yaml", "required: [line_no, sku, quantity]"),
    "TF3517": lambda example: instead("mappings/schemas/sale.completed@2.yaml", "discount: {type: number, default: 0}")(
        example
    ),
    "TF5001": as_format(),
    "TF5002": as_format("csv"),
    "TF5003": as_format(),
    "TF5004": lambda example: as_format("fixed_width")(f"lines: [{{type: line, {example.strip()}}}]"),
    "TF5005": lambda example: as_format("fixed_width")(example.replace("[..]", "[{name: a, from: 2, length: 4}]")),
    "TF5006": as_format("xml"),
    "TF5007": as_format("xml"),
    "TF5008": connection("core.files"),
    "TF5010": HTTP,
    "TF5011": HTTP,
    "TF5012": lambda example: connected(example.partition("\n")[2]),
    "TF5013": connection("core.http"),
    "TF5014": connection("core.http"),
    "TF5017": connection("core.http"),
    "TF5020": connection("core.sql"),
    "TF5021": connection("core.sql"),
    "TF5022": SQL,
    "TF5023": SQL,
    "TF5024": SQL,
    "TF5030": source(),
    "TF5031": source(),
    "TF5032": source(),
    "TF5033": source(),
    "TF5034": source(),
    "TF5040": MAIL,
    "TF5041": MAIL,
    "TF9010": lambda example: {
        TABLES: instead(TABLES, "stores:   {csv: ../mappings/tables/stores.csv, key: id, schema: store@1}")(
            example.partition("\n")[2].strip()
        )[TABLES]
    },
    "TF9011": lambda example: {
        TABLES: instead(TABLES, "stores:   {csv: ../mappings/tables/stores.csv, key: id, schema: store@1}")(
            example.partition("\n")[2].strip()
        )[TABLES]
    },
}


@pytest.mark.parametrize("code", FRAMES)
def test_the_wrong_example_gives_the_code_and_the_right_one_does_not(code: str) -> None:
    page, frame = catalogue()[code], FRAMES[code]
    assert code in {one.code for one in edited_and_compiled(with_changes(frame(page.wrong)))[1]}
    assert code not in {one.code for one in edited_and_compiled(with_changes(frame(page.right)))[1]}


def test_the_page_of_missing_parts_tells_of_tests_too() -> None:
    first, second = catalogue()["TF3008"].wrong.strip().splitlines()
    for files in (step(RETURNS)(first), changing(second)):
        assert [one.code for one in edited_and_compiled(with_changes(files))[1]].count("TF3008") == 1


# Examples that tell of more than one file, of a value or place outside of them, or of what is too long for a page.
IN_WORDS = (
    "TF1001 TF1002 TF1003 TF1121 TF1122 TF2008 TF2009 TF2502 TF3019 TF3020 TF3023 TF3506 TF4004 TF4005 TF4008 TF4009 TF4010 "
    "TF4011 TF4013 TF4014 TF4019 TF4020 TF4022 TF4023 TF5015 TF5016 TF5050 TF6002 TF6007 TF6008 TF6010 TF6011 TF6012 TF6013 "
    "TF6014 TF6015 TF6016 TF6017 TF6018 TF6019 TF6020 TF6021 TF6022 TF6023 TF6024 TF6025 TF6026 TF6027 TF6028 TF9001 TF9002 TF9003 TF9004 "
    "TF9005 TF9006 TF9008 TF9009"
)


def test_the_example_of_every_other_code_is_tried() -> None:
    tried = FRAMES.keys() | {page.code for page in (*BELOW_KEYS, *WITH_KEYS)} | (PAGES.keys() - NOT_SHOWN)
    assert set(catalogue()) - tried == set(IN_WORDS.split())
