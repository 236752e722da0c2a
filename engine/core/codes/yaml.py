"""TF10xx: YAML itself, and what is substituted into its values."""

from __future__ import annotations

from engine.core.findings import Code

CODES: tuple[Code, ...] = (
    Code(
        "TF1001",
        "This is not YAML",
        "The file breaks a rule of YAML that has no page of its own, so nothing behind this place could be read.",
        "%FOO bar\n---\nroute: sales\n",
        "route: sales\n",
    ),
    Code(
        "TF1002",
        "The file is not UTF-8",
        "Files in other encodings read differently on other machines: an umlaut in a reason would never match itself.",
        "summary: Verk\\xe4ufe   (the byte e4, as a Windows editor saves it)",
        "summary: Verkäufe   (saved as UTF-8)",
    ),
    Code(
        "TF1003",
        "The file is too large",
        "A file of more than 1 MiB is no description of a flow; bulk data belongs in CSV tables, which are read "
        "row by row.",
        "a mapping with 20,000 entries under `values`",
        "a table in mappings/tables/, and lookup() in the mapping",
    ),
    Code(
        "TF1004",
        "Nested too deeply",
        "More than 64 levels cannot be read by people, and are a known way to exhaust programs.",
        "a: " + "[" * 70 + "]" * 70 + "\n",
        "a: [[1]]\n",
    ),
    Code(
        "TF1005",
        "Several documents in one file",
        "One file describes one thing, and its name says which; a second document behind `---` would be overlooked.",
        "route: sales\n---\nroute: returns\n",
        "route: sales\n",
    ),
    Code(
        "TF1006",
        "The file is empty",
        "A file without content is mostly a mistake when saving.",
        "# nothing yet\n",
        "tillflow: 1\n",
    ),
    Code(
        "TF1007",
        "The file is no block of keys",
        "Every file starts with keys that say what it describes.",
        "- id: erp\n- id: stock\n",
        "tillflow: 1\nroute: sales\n",
    ),
    Code(
        "TF1008",
        "A character that cannot be seen",
        "Control characters, other line breaks than \\n and characters that change the direction of writing make "
        "a file read "
        "differently than it looks.",
        "route: sa\u202eles\n",
        "route: sales\n",
    ),
    Code(
        "TF1010",
        "The same key twice",
        "Most YAML readers silently take the last one; whoever edits the first wonders why nothing happens.",
        "owner: finance\nowner: store-ops\n",
        "owner: finance\n",
    ),
    Code(
        "TF1011",
        "Merge keys are not used",
        "With `<<` the effective keys of a block stand somewhere else; shared steps are subflows, shared limits "
        "are `like`.",
        "base: &base {timeout: 5s}\nerp: {<<: *base}\n",
        "erp: {timeout: 5s}\n",
    ),
    Code(
        "TF1012",
        "Tags are not used",
        "A tag can name a type of a programming language, which is how YAML files run code elsewhere. Values "
        "have the types of "
        "JSON. An expression that starts with ! has to be quoted.",
        "when: !present(customer)\n",
        'when: "!present(customer)"\n',
    ),
    Code(
        "TF1013",
        "A key is text",
        "Lists, blocks and nothing cannot be keys: no other place could name them.",
        "? [a, b]\n: 1\n",
        "a-b: 1\n",
    ),
    Code(
        "TF1014",
        "Aliases make the file explode",
        "Ten lines of nested aliases stand for millions of values; at most 100 aliases and 100,000 values are read.",
        "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: "
        "[*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
        "a: [x, x]\n",
    ),
    Code(
        "TF1015",
        "An alias without its anchor",
        "`*name` stands for what `&name` marked further up. A text that starts with * has to be quoted.",
        "match: *sales\n",
        'match: "*sales"\n',
    ),
    Code(
        "TF1016",
        "A number longer than any amount",
        "Numbers have at most 40 digits. What is longer is an identifier, and identifiers are text.",
        "batch: 12345678901234567890123456789012345678901234567890123\n",
        'batch: "12345678901234567890123456789012345678901234567890123"\n',
    ),
    Code(
        "TF1017",
        "No such escape",
        "Inside double quotes a backslash starts an escape; inside single quotes it is only a backslash.",
        'pattern: "\\d+"\n',
        "pattern: '\\d+'\n",
    ),
    Code(
        "TF1020",
        "A tab as indentation",
        "Editors show tabs in different widths, so YAML does not accept them as indentation.",
        "from:\n\tevent: sale.completed@2\n",
        "from:\n  event: sale.completed@2\n",
    ),
    Code(
        "TF1030",
        "YAML cut an expression in two",
        "Inside a list or block on one line, commas, colons and brackets belong to YAML. An expression that "
        "contains them has "
        "to be quoted as a whole.",
        "check: [{that: join(',', codes) == name, otherwise: x}]\n",
        "check: [{that: \"join(',', codes) == name\", otherwise: x}]\n",
    ),
    Code(
        "TF1042",
        "No space after the colon",
        "`key:value` is one text to YAML, `key: value` is a key and its value.",
        "route:sales\nowner: finance\n",
        "route: sales\nowner: finance\n",
    ),
    Code(
        "TF1043",
        "A quote is never closed",
        "Everything up to the end of the file belongs to a text whose quote is not closed.",
        "owner: 'finance\nversion: 1.0.0\n",
        "owner: 'finance'\nversion: 1.0.0\n",
    ),
    Code(
        "TF1044",
        "A colon inside a text",
        "A colon with a space behind it separates a key from its value, so a text that contains one has to be quoted.",
        "summary: Sales: post them\n",
        'summary: "Sales: post them"\n',
    ),
    Code(
        "TF1045",
        "The indentation does not fit",
        "Indentation says what belongs to what; a line has to start at the column of the lines it belongs to.",
        "from:\n  use: core.files\n connection: tills\n",
        "from:\n  use: core.files\n  connection: tills\n",
    ),
    Code(
        "TF1046",
        "A text starts with a character of YAML",
        "@ ` % * > | ] } , mean something to YAML at the beginning of a text, so such a text has to be quoted.",
        "match: *.xml\n",
        'match: "*.xml"\n',
    ),
    Code(
        "TF1047",
        "Text behind a closed quote or bracket",
        "A value that starts with a quote or bracket ends with it. An expression that starts so has to be quoted "
        "as a whole.",
        "when: 'sale' == kind\n",
        "when: \"'sale' == kind\"\n",
    ),
    Code(
        "TF1048",
        "A bracket is not closed",
        "A list or block on one line ends with its bracket, and commas separate its entries.",
        "to: [erp, stock\nowner: finance\n",
        "to: [erp, stock]\nowner: finance\n",
    ),
    Code(
        "TF1049",
        "A bracket closes nothing",
        "There are more closing brackets than opening ones.",
        "to: [erp, stock]]\n",
        "to: [erp, stock]\n",
    ),
    Code(
        "TF1050",
        "This is no reference",
        "Between ${ and } stands an environment variable in capitals, with a default if you like, or "
        "secret.name, or param.name. "
        "Nothing is substituted in keys, names and expressions, and no reference stands inside another. $${ gives the text ${ itself.",
        "connections:\n  erp: {connector: core.http, url: '${erp_url}'}\n",
        "connections:\n  erp: {connector: core.http, url: '${ERP_URL:http://localhost}'}\n",
    ),
    Code(
        "TF1051",
        "An environment variable is not set",
        "An empty address would only be noticed when the first event cannot be delivered.",
        "connections:\n  erp: {connector: core.http, url: '${ERP_URL}'}\n",
        "connections:\n  erp: {connector: core.http, url: '${ERP_URL:http://localhost:8069}'}\n",
    ),
    Code(
        "TF1052",
        "There is no such parameter",
        "A route can use the parameters it declares under `params`.",
        "params: {erp_rate: {type: rate, default: 50/s}}\nto: [{id: erp, event: sale.posted@1, rate: "
        '"${param.erp_rat}"}]\n',
        "params: {erp_rate: {type: rate, default: 50/s}}\nto: [{id: erp, event: sale.posted@1, rate: "
        '"${param.erp_rate}"}]\n',
    ),
    Code(
        "TF1053",
        "There is no such secret",
        "Secrets stand outside of the project: in the environment as TILLFLOW_SECRET_<NAME>, or in the folder of "
        "secrets.",
        "password: ${secret.erp_pasword}",
        "password: ${secret.erp_password}",
    ),
    Code(
        "TF1054",
        "A parameter where there are none",
        "Parameters belong to a route or to shared steps; connections and mappings are shared by many routes.",
        'connections:\n  erp: {connector: core.http, url: "${param.url}"}\n',
        'connections:\n  erp: {connector: core.http, url: "${ERP_URL:http://localhost}"}\n',
    ),
)
