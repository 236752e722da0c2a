"""TF35xx: mappings, schemas and tables."""

from engine.core.findings import Code

CODES: tuple[Code, ...] = (
    Code(
        "TF3501",
        "field is not in the output schema",
        "The mapping's `output` says which fields there are; another one would be refused by whoever reads it.",
        "fields: {curency: currency}",
        "fields: {currency: currency}",
    ),
    Code(
        "TF3502",
        "required field is missing",
        "The `output` of the mapping or group requires this field in every document, and nothing makes it.",
        "fields: {reference: receipt_no}    # journal.entry@1 also requires date",
        "fields: {reference: receipt_no, date: business_date}",
    ),
    Code(
        "TF3503",
        "field of another type",
        "What is made here can never be what the output schema asks for.",
        "amount: {const: '12.50'}",
        "amount: {const: 12.50}",
    ),
    Code(
        "TF3504",
        "malformed mapping",
        "A field is an expression, a block with expr, template or const, an object of fields, a list, or a choice.",
        "lines: [{each: lines, fields: {sku: sku}}]",
        "lines: [{each: {in: lines, as: line}, fields: {sku: line.sku}}]",
    ),
    Code(
        "TF3505",
        "unknown key in a mapping",
        "Blocks of a mapping have fixed keys. A field that is called like one of them is written under `fields:`.",
        "lines: [{each: {in: lines, az: line}, fields: {..}}]",
        "lines: [{each: {in: lines, as: line}, fields: {..}}]",
    ),
    Code(
        "TF3506",
        "mapping does not fit what flows",
        "A mapping is written for the documents its `input` names, with what its `adds` lists. Something "
        "else arrives here.",
        "map: return-to-stock    # a sale arrives",
        "map: sale-to-stock",
    ),
    Code(
        "TF3507",
        "sum of a field that is not made",
        "`group` adds up fields that the block makes under `fields:`.",
        "group: {by: code, sum: [amout]}",
        "group: {by: code, sum: [amount]}",
    ),
    Code(
        "TF3508",
        "choice without otherwise",
        "A choice in a mapping says what is made when no condition holds, even if that is nothing.",
        "kind: {choose: [{when: is_true(training), const: t}]}",
        "kind: {choose: [{when: is_true(training), const: t}, {otherwise: true, omit: true}]}",
    ),
    Code(
        "TF3509",
        "name hides a field",
        "Inside the block the name stands for the item, so the document's own field of that name is out of reach.",
        "each: {in: lines, as: store}",
        "each: {in: lines, as: line}",
    ),
    Code(
        "TF3510",
        "unknown word in a schema",
        "JSON Schema passes over words it does not know, so a misspelt rule would never be checked.",
        "minLenght: 1",
        "minLength: 1",
    ),
    Code(
        "TF3511",
        "invalid schema",
        "Schemas are JSON Schema 2020-12 written in YAML.",
        "type: strng",
        "type: string",
    ),
    Code(
        "TF3513",
        "required property is not described",
        "A property that is required and not described is either misspelt or unchecked.",
        "required: [recipt_no]\nproperties: {receipt_no: {type: string}}",
        "required: [receipt_no]\nproperties: {receipt_no: {type: string}}",
    ),
    Code(
        "TF3515",
        "event type without a key",
        "Events are told apart by the natural key of their type; without one every copy would be a new event.",
        "$id: stock.moved@1    # a route has from: {event: stock.moved@1}\ntype: object\n",
        "$id: stock.moved@1\nx-tillflow: {key: [receipt_no]}\ntype: object\n",
    ),
    Code(
        "TF3516",
        "impossible compatibility",
        "`compatible_with` is the oldest version whose subscribers accept this one: a number from 1 to its "
        "own version.",
        "$id: sale.completed@2\ncompatible_with: 3",
        "$id: sale.completed@2\ncompatible_with: 1",
    ),
    Code(
        "TF3517",
        "default that breaks its own schema",
        "A default is filled in before the document is checked, so this one would make valid documents invalid.",
        "discount: {type: number, default: '0'}",
        "discount: {type: number, default: 0}",
    ),
    Code(
        "TF3518",
        "name that is not used",
        "`as`, `number` and `let` give names to what expressions inside use. One that nothing uses is left over or "
        "misspelt.",
        "each: {in: lines, as: lin}\nfields: {sku: line.sku}",
        "each: {in: lines, as: line}\nfields: {sku: line.sku}",
    ),
    Code(
        "TF3519",
        "new name beside one that is almost the same",
        "`into` may make something new; right beside a field that differs by one letter it is rather a misspelt one.",
        "into: extension.local.shift",
        "into: extensions.local.shift",
    ),
    Code(
        "TF3521",
        "column is not in the file",
        "The first line of a CSV file names its columns; key and dates are columns of it.",
        "stores: {csv: stores.csv, key: store_id}    # columns: id, name",
        "stores: {csv: stores.csv, key: id}",
    ),
    Code(
        "TF3522",
        "file and schema of a table differ",
        "Rows are checked against the schema, so every column is described in it and every required one is "
        "in the file.",
        "sku,nmae",
        "sku,name",
    ),
    Code(
        "TF3523",
        "file of a table cannot be read",
        "A table's file is UTF-8 text with a first line that names each column once.",
        "id,name,name",
        "id,name,short_name",
    ),
    Code(
        "TF3524",
        "wrong row in a table",
        "A table is read as a whole: UTF-8, as many cells in each line as the header has, each key once (or once a "
        "day), each row valid by the schema. With one wrong line none of its rows could be found.",
        "sku,account\nSKU-1,4000\nSKU-1,4010",
        "sku,account\nSKU-1,4000\nSKU-2,4010",
    ),
    Code(
        "TF3525",
        "wrong kind of value in an event's identity",
        "`business_date` is a day YYYY-MM-DD, `amount` and `sequence` are numbers. They take expressions: date() makes a "
        "day of a date-time, number() a number of a text. Of the wrong kind, every event becomes a work item.",
        "business_date: occurred_at    # format: date-time",
        "business_date: date(occurred_at)",
    ),
)
