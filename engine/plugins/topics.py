"""Pages of the reference about what no single plugin owns: lists of every kind of plugin, functions, mappings, secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from engine.expr.functions import FunctionTable
from engine.expr.signature import Function
from engine.plugins.functions import functions_of
from engine.plugins.registry import Registry
from engine.plugins.spec import ComponentSpec

_MAPPINGS = """# Mappings

A mapping is a file `mappings/<name>.yaml` that turns one document into another. A step `map: <name>` replaces the data
with what it makes; `map` at a sink makes what is sent.

```yaml
tillflow: 1
mapping: sale-to-journal
input: sale.completed@1
output: journal.entry@1
fields:
  receipt: receipt_no
  store: {const: "0012"}
  text: {template: "Receipt {{ receipt_no }}"}
  customer: {expr: customer.id, optional: true}
  operator: {expr: till.operator, default: unknown}
  account: {expr: kind, values: {sale: "4000", return: "4100"}, default: "4999"}
  lines:
    - each: {in: lines, as: line}
      where: line.amount != `0`
      fields:
        account: line.account
        amount: line.amount
  taxes:
    - each: {in: lines, as: line}
      group: {by: code, sum: [amount]}
      fields:
        code: line.tax_code
        amount: line.tax
  note:
    choose:
      - {when: total < `0`, const: refund}
      - {otherwise: true, omit: true}
```

| at the top | what it says |
|---|---|
| `input` | the schema or format it is written for; without it, it is checked against what flows where it is used |
| `adds` | what the route has added to the input, by path: `adds: {"lines[].product": product@1}` |
| `output` | the schema of what it makes; it becomes the schema that flows, see below |
| `let` | names for results that are used more than once |
| `fields`, `each`, `group`, `choose` | what is made: an object, or a list |

| a value | what it makes |
|---|---|
| text | the result of a JMESPath expression over the document; null is an error |
| `{expr: .., optional: true}` | the same, and the field is left out when there is nothing |
| `{expr: .., default: ..}` | the same, and the constant when there is nothing |
| `{expr: .., values: {from: to}}` | the result, translated; with `default` for all others |
| `{template: ..}` | text from a Jinja template |
| `{const: ..}` | this value |
| `{fields: {..}}` or a block of names | an object |
| a list | a list; an item with `each` gives one element for each of its list |
| `{each: {in, as, number}, where, group: {by, sum}, fields}` | elements of a list, only some of them, added up |
| `{choose: [{when, ..}, {otherwise: true, ..}]}` | what the first branch that applies makes; `omit: true` leaves it out |
| `slot: <name>` | a place that a region may fill |

`output` is what later paths and `event:` sinks are checked against when files are validated. At run time a document is
held against a schema by the step `validate`, by `accepts` and by `event:` sinks only. What goes to a connector's sink is
sent as the mapping makes it: where that matters, write `map` and `validate` as steps.

Functions: `tillflow explain functions`.
"""

_SECRETS = """# Secrets

A secret never stands in a file. A field that takes one names it, and the engine fills it in when it loads the project:

```yaml
connections:
  shop:
    connector: core.http
    url: https://shop.example
    auth: {scheme: bearer, token: "${secret.shop_token}"}
```

The value of `${secret.shop_token}` comes from the environment variable `TILLFLOW_SECRET_SHOP_TOKEN` (upper case, `-` and
`.` written as `_`), else from the file `shop_token` in the folder that `TILLFLOW_SECRETS` names. A file is UTF-8 text,
at most 64 KiB; one line end behind the value does not count. It should be readable by its owner only (`chmod 600`):
`tillflow doctor` warns otherwise.

`${NAME}` and `${NAME:default}` are plain environment values: they are shown in logs and findings, so a field that takes
a secret refuses them. A secret that is missing is finding TF1053. `tillflow validate` needs the secrets too; any value
does.

An expression may ask about a secret, `present(secret('shop_token'))`, hand it to a function whose answer does not hold
it, or send it with a `call` that only reads and has no `cache`. Wherever its value would become data it is finding TF2045.

The value is shown nowhere: logs, traces, findings and work items say `***`.
"""

_AUTH = """# Authentication

`auth` of a connection, or of a webhook source, says how requests prove who sends them, outgoing or incoming. `scheme`
names one of those below; what else stands in the block belongs to the scheme.

```yaml
auth: {scheme: bearer, token: "${secret.shop_token}"}
```

A blank secret is a finding, and so is one shorter than 8 characters where others deliver (24 bytes for Standard
Webhooks). Whoever does not prove itself is answered 401 and the same words for every reason; the log and
`tillflow_source_refused_total` know the reason.
"""

_CHAPTERS = {
    "standard": "Of JMESPath itself",
    "money": "Money",
    "dates": "Dates and times",
    "text": "Text and numbers",
    "tables": "Reference tables",
    "answers": "Yes/no answers and missing values",
    "lists": "Lists",
    "event": "The event and its surroundings",
    "checks": "Checks",
    "plugins": "Of installed plugins",
}


_CHANGES = """# Changing a running flow

`tillflow run` watches the project's folder. A save is read as a whole, checked, compared with what runs, tested, started
beside it and swapped in, in every process or in none; what is not taken changes nothing and `tillflow status` says why,
with the line. Only routes that are not the same are touched: comments and layout change nothing, and a new row of a
table restarts nothing. Events in hand finish on what they began with. A route that was removed finishes what waits for it.

An engine that starts runs what ran last. Files that were changed meanwhile then pass all of this as a save does; with
`--no-watch` they wait for `tillflow apply`.

| command | what it does |
|---|---|
| `tillflow plan` | what applying the files would change, in words and with its risks; exit code 3 with `--detailed-exitcode` when something |
| `tillflow apply --wait` | have the files run, and wait for every process; needed for what a save alone does not do |
| `tillflow history` | revisions: number, state, since when, by whom and why |
| `tillflow diff 3 5` | what is different between two of them, in words and as text |
| `tillflow rollback 3` | have one run again; the files stay as they are, and are not taken until they change |
| `tillflow status` | what is wanted, what each process runs, the last edit that was not taken |
| `tillflow dev` | all of this on local stand-ins, while you write |

Rows of reference tables (CSV) are no part of a revision: changed ones serve the next event at once, and a rollback leaves
them as they are.

What only waits for something outside (a system that does not answer, a queue that nobody made yet) is tried again by
itself, after pauses that grow to a minute; `tillflow status` says what it waits for, and another save takes its place. So
is what a process was too slow for, ten times at most.

Before the swap the tests of changed routes run where the route is `criticality: financial`: as `tillflow test` runs them,
on the base and in every scope where the route is another one than before, so that an edit that breaks a promise in one
country only is refused and names test and scope. After it a changed route is on probation: when too many of its first
events become work items, the change takes itself back. Both can be set:

```yaml
reload:
  tests: true
  probation: {events: 50, within: 2m, failing: 0.05}
```

It goes back as soon as the failures are more than 5 % of 50, which is at the third, however few events came by then:
one or two bad receipts take no edit back, and a mapping that is wrong for all does so with its first three. When the two
minutes are over before 50 events came, three failures or more are held against those that came. `events: 0` switches it off.

Another save meanwhile ends no probation but that of routes it changes, and theirs begins again. What is taken back is the
route's change and all that came after it, so that what runs then did run before; the files still hold it, and the next
save brings it again. Where going back would undo a risk that was accepted since, it stays, and the log says so.

| risk | what may happen | a financial route |
|---|---|---|
| `effect-changed` | what was applied under the former name could be applied again | is refused |
| `key-changed` | events that were taken in before are new again | is refused |
| `guard-changed` | what counts as the same document is judged otherwise | is refused |
| `guarantee-loosened` | a repeat or a crash is kept less well from doubling an effect | is marked |
| `route-removed` | what waits for it is finished; what comes after is not taken in | is marked |

What is refused is applied all the same where it is meant: with `tillflow apply --accept effect-changed`, or because the
route that brings the change says so. `tillflow history`, `tillflow diff` and the audit tell who accepted which risk of which
route. What the file says holds for that change only; another one needs a new reason:

```yaml
reload:
  accept: [{risk: effect-changed, because: "the ERP refuses a second document of that number"}]
```

Settings of the engine cannot be reloaded (`TILLFLOW_TRANSPORT`, `TILLFLOW_STORE`, `TILLFLOW_SECRETS`, `TILLFLOW_ZONE`,
`TILLFLOW_WORKERS`, `TILLFLOW_TOPOLOGY`, `TILLFLOW_CELL`, `TILLFLOW_HTTP`, `TILLFLOW_WATCH`), nor can values of the
environment that files name: stop the engine and start it again. A command that runs with others than the engine was started with says so.
"""


def topics(registry: Registry) -> dict[str, Callable[[], str]]:
    """Name -> what makes its Markdown page."""
    return {
        "auth": lambda: _AUTH + _listed("", registry.auth),
        "changes": lambda: _CHANGES,
        "connectors": lambda: _connectors(registry),
        "formats": lambda: _listed("# Formats\n", registry.formats),
        "functions": lambda: _functions(functions_of(registry)),
        "mappings": lambda: _MAPPINGS,
        "secrets": lambda: _SECRETS,
        "steps": lambda: _listed("# Steps\n", registry.steps),
    }


def function_page(function: Function) -> str:
    """The page of one function: usage, what it takes, examples with their results."""
    lines = [f"# {function.usage}", "", function.summary, ""]
    if function.text:
        lines += [function.text, ""]
    lines += [f"- `{p.name}`: {p.wanted}{'' if p.required else ', may be left out'}" for p in function.parameters]
    lines += ["", *(f"    {expression} -> {result}" for expression, result in function.examples)]
    return "\n".join(lines).rstrip() + "\n"


def function_facts(function: Function) -> dict[str, object]:
    """The same as JSON-able values."""
    return {
        "kind": "function",
        "name": function.name,
        "usage": function.usage,
        "summary": function.summary,
        "text": function.text,
        "examples": [{"expression": expression, "result": result} for expression, result in function.examples],
    }


def _functions(table: FunctionTable) -> str:
    lines = ["# Functions", ""]
    for group, title in _CHAPTERS.items():
        members = [table[name] for name in table if table.groups[name] == group]
        if members:
            lines += [f"## {title}", "", *_rows((f"`{f.usage}`", f.summary) for f in members), ""]
    return "\n".join([*lines, "More on one of them: `tillflow explain <name>`.", ""])


def _connectors(registry: Registry) -> str:
    rows = [(f"`{name}`", connector.summary) for name, connector in sorted(registry.connectors.items())]
    return "\n".join(["# Connectors", "", *_rows(rows), "", "More on one of them: `tillflow explain <name>`.", ""])


def _listed(head: str, specs: Mapping[str, ComponentSpec]) -> str:
    rows = [(f"`{name}`", spec.summary) for name, spec in sorted(specs.items())]
    return "\n".join([head, *_rows(rows), "", "More on one of them: `tillflow explain <name>`.", ""])


def _rows(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"- {name}: {summary}" for name, summary in pairs]
