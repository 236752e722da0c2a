"""Keys and values of every kind of file: what is wrong is told at its place, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.config.validate import findings_of, validated
from engine.config.yaml import read_text
from tests.config.snippets import findings_in

Check = Callable[[str], list[tuple[str, int, int]]]

STEP = "steps:\n  - id: training\n    filter: {reason: training-mode}\n"
SINK = "to:\n  - id: erp\n    use: core.http\n    connection: crm\n    action: post\n"


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("ownr: x\nowner: y\n", "TF1101", 1, 1),
        ("retry: {give_up_afer: 24h}\n", "TF1101", 1, 9),
        ("retry: {give_up_after: 24h, first: 1s}\n", "TF1106", 1, 29),
        (STEP + "    wehn: x\n", "TF1101", 4, 5),
        (STEP + "    map: x\n", "TF1112", 4, 5),
        (STEP + "    reason: x\n", "TF1106", 4, 5),
        (STEP + "    keep: 3d\n", "TF1112", 4, 5),
        ("steps:\n  - id: training\n    when: x\n", "TF1113", 2, 5),
        ("steps:\n  - filter: {reason: x}\n", "TF1102", 2, 5),
        ("steps:\n  - id: Training_Mode\n    filter: {reason: x}\n", "TF1109", 2, 9),
        ("steps:\n  - id:training\n    filter: {reason: x}\n", "TF1042", 2, 5),
        ("steps:\n  - id: wait\n    await: {event: a@1}\n", "TF1107", 3, 5),
        ("steps: []\nsaga: {undo: []}\n", "TF1107", 2, 1),
        ("steps:\n  - id: rules\n    policy: {deny: []}\n    decide: {by: x}\n", "TF1107", 4, 5),
        ("steps:\n  - id: price\n    call: {use: a}\n    on_error: {not_found: {}}\n", "TF1107", 4, 16),
        ("steps:\n  - id: price\n    call: {use: a}\n    on_error: {contine: x}\n", "TF1101", 4, 16),
        ("steps:\n  - slot: fiscal\n    allows: [pure, writes]\n", "TF1104", 3, 20),
        ("steps:\n  - slot: fiscal\n    id: fiscal-data\n", "TF1101", 3, 5),
        ("steps: {id: a}\n", "TF1103", 1, 8),
        ("steps:\n", "TF1103", 1, 1),
        (SINK + "    keep: 400d\n", "TF1106", 6, 5),
        (SINK + "    event: sale.posted@1\n", "TF1108", 2, 5),
        (SINK + "    rate: fast\n", "TF1125", 6, 11),
        (SINK + "    ordered: {on_failure: skp}\n", "TF1104", 6, 27),
        (SINK + "    ordered: {}\n    ordering: latest\n", "TF1108", 7, 5),
        (SINK + "    when: true\n", "TF1120", 6, 11),
        (SINK + "    lane: other\n", "TF1104", 6, 11),
        ("to:\n  - id: erp\n    use: core.http\n    connection: crm\n", "TF1102", 3, 5),
        ("to:\n  - id: erp\n    event: a@1\n    action: post\n", "TF1101", 4, 5),
        ("to:\n  - id: erp\n", "TF1108", 2, 5),
        ("from: {event: a@1, use: core.files}\n", "TF1108", 1, 1),
        ("from: {use: core.http, connection: a, mode: sync}\n", "TF1107", 1, 45),
        ("from: {event: a@1, match: x}\n", "TF1101", 1, 20),
        ("from: {event: sale.completed}\n", "TF1116", 1, 15),
        ("criticality: finacial\n", "TF1104", 1, 14),
        ("version: 1\n", "TF1103", 1, 10),
        ("version: 1.2\n", "TF1103", 1, 10),
        ("version: v2\n", "TF1115", 1, 10),
        ("keep: 400\n", "TF1124", 1, 7),
        ("route_once: yes\n", "TF1103", 1, 13),
        ("tillflow: 2\n", "TF1104", 1, 11),
        ("owner: ''\n", "TF1114", 1, 8),
        ("params: {Rate: {type: rate, default: 5/s}}\n", "TF1109", 1, 10),
        ("params: {rate: {type: rate, default: 500/s, max: 200/s}}\n", "TF1118", 1, 38),
        ("params: {rate: {type: rate, default: fast}}\n", "TF1118", 1, 38),
        ("params: {rate: {default: 5/s}}\n", "TF1108", 1, 10),
        ("params: {rate: {type: rate}}\n", "TF1102", 1, 10),
        ("params: {rate: {type: rat, default: 5/s}}\n", "TF1104", 1, 23),
        ("params: {rate: {type: rate, default: 5/s, overridable_by: [contry]}}\n", "TF1104", 1, 60),
        ("keep: ${param.days}\n", "TF1052", 1, 7),
        ("scopes: {country: store.country, contry: x}\n", "TF1101", 1, 34),
        ("connections:\n  erp: {conector: core.http}\n", "TF1101", 2, 9),
        ("connections:\n  erp: {url: x}\n", "TF1102", 2, 3),
        ("connections:\n  ERP: {connector: core.http}\n", "TF1109", 2, 3),
        ("connections:\n  erp: {connector: core.http, limits: {breaker: {failure: 3}}}\n", "TF1101", 2, 50),
        ("tables:\n  stores: {key: id, schem: store@1}\n", "TF1101", 2, 21),
        ("tables:\n  stores: {schema: store@1}\n", "TF1102", 2, 3),
        ("tables:\n  stores: {key: [id, 4]}\n", "TF1123", 2, 17),
        ("tables:\n  stores: {csv: ../mappings/tables/stores.csv, key: id}\n", "TF9010", 2, 17),
        ("tables:\n  stores: {csv: /etc/passwd, key: id}\n", "TF9011", 2, 17),
        ("tables:\n  stores: {csv: ../../secret.csv, key: id}\n", "TF9011", 2, 17),
        ("mapping: sale-to-journal\nfeilds: {a: b}\n", "TF1101", 2, 1),
        ("mapping: sale-to-journal\n", "TF1102", 1, 1),
        ("mapping: sale-to-jornal\nfields: {a: b}\n", "TF9002", 1, 10),
        ("$id: sale.completed@2\nx-tillflow: {key: [id], gaurd: [a]}\n", "TF1101", 2, 25),
        ("$id: sale.completed@2\nx-tillflow: {guard: [a]}\n", "TF1102", 2, 1),
        ("$id: sale.completed@2\nx-tillflow: {key: [id, 3]}\n", "TF1120", 2, 24),
        ("$id: sale.completed@1\n", "TF9002", 1, 6),
        ("tests:\n  - {name: a, rote: sales, given: {event: {}}, expect: {}}\n", "TF1101", 2, 15),
        ("tests:\n  - {name: a, given: {event: {}}}\n", "TF1102", 2, 12),
        ("tests:\n  - {name: a, kind: promise, given: {event: {}}}\n", "TF1102", 2, 21),
        ("tests:\n  - {name: a, given: {event: cases/x.json}, expect: {}}\n", "TF9010", 2, 30),
        ("tests:\n  - {name: a, given: {event: {}}, expect: {sinks: {erp: {cont: 1}}}}\n", "TF1101", 2, 58),
        ("tests:\n  - {name: a, given: {event: {}}, stub: {erp: {fail: transent}}, expect: {}}\n", "TF1104", 2, 54),
        ("tests: []\n", "TF1114", 1, 8),
        ("pack: es\nlayer: country\nfor: {country: ES}\nowner: x\n", "TF6003", 2, 1),
        ("pack: es\nlayer: county\nfor: {country: ES}\nowner: x\n", "TF1104", 2, 8),
        ("overlay: a\nbase: sales@^1\n", "TF6001", 1, 10),
        ("overlay: a\nbase: sales\nset: {a: b}\n", "TF6006", 2, 7),
        ("overlay: a\nbase: sales@^1\nset: {a: b}\ndisable: [{id: x}]\n", "TF1102", 4, 11),
        ("overlay: a\nbase: sales@^1\ninsert: [{steps: [{id: x, map: y}]}]\n", "TF6009", 3, 10),
    ],
)
def test_what_is_wrong_is_told_at_its_place(check: Check, text: str, code: str, line: int, column: int) -> None:
    assert (code, line, column) in check(text)


def test_a_schema_whose_id_is_misspelt(read: Callable[..., Any]) -> None:
    _, findings = read({"mappings/schemas/a@1.yaml": "$idd: a@1\ntype: object\n"})
    assert [(f.code, f.suggestion) for f in findings if f.code != "TF9009"] == [("TF1101", "$id")]


@pytest.mark.parametrize(
    "text",
    [
        STEP,
        SINK,
        "steps:\n  - slot: fiscal\n    allows: [pure]\n    yields: extensions.fiscal\n",
        SINK + "    ordered: {}\n",
        SINK + "    rate: ${param.rate}\nparams: {rate: {type: rate, default: 5/s}}\n",
        "steps:\n  - id: fiscal\n    verifactu: {mode: verify}\n",
        "reply: {body: {a: b}}\nto: []\n",
        "subflow: shared\nparams: {rate: {type: rate}}\nsteps: [{id: a, map: b}]\n",
    ],
)
def test_what_is_right_gives_no_finding(check: Check, text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize(
    ("text", "message", "help", "suggestion"),
    [
        ("ownr: x\nowner: y\n", "`ownr` is not a key of this file", "did you mean `owner`?", "owner"),
        ("retry: {first: 1s}\n", "`first` does not belong in `retry`",
         "it belongs under `backoff`: indent it more by two spaces", ""),
        (STEP + "    reason: x\n", "`reason` does not belong beside `filter`",
         "if it belongs to `filter`, indent it under `filter:`; keys of every step: id, when, on_error, lock, may", ""),
        ("retry: {backoff: {give_up_after: 1h}}\n", "`give_up_after` does not belong in `backoff`",
         "it belongs one level up, beside `backoff`", ""),
        ("owner: 42\n", "`owner` is text, this is the number 42", "put it in quotes", '"42"'),
        ("version: 1.2\n", "`version` is three numbers, this is the number 1.2", "write 1.2.0", "1.2.0"),
        ("route_once: 'yes'\n", "`route_once` is yes/no, this is text", "write true or false", ""),
        ("criticality: finacial\n", "`finacial` is not a value of `criticality`",
         "did you mean `financial`?", "financial"),
    ],
)  # fmt: skip
def test_wording(text: str, message: str, help: str, suggestion: str) -> None:
    finding = findings_in(text)[0]
    assert (finding.message, finding.help, finding.suggestion) == (message, help, suggestion)


def test_a_misspelt_required_key_is_one_finding_not_two() -> None:
    assert [f.code for f in findings_in("steps:\n  - di: training\n    filter: {reason: x}\n")] == ["TF1101"]
    assert [f.code for f in findings_in("connections:\n  erp: {conector: core.http}\n")] == ["TF1101"]


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("form: {event: a@1}\n", "from"),
        ("from: {evnt: sale.completed@2}\n", "event"),
        ("from: {uses: core.files, connection: a}\n", "use"),
        ("too: [{id: a, event: a@1}]\nto: []\n", "to"),
        ("to:\n  - {id: erp, evnt: a@1}\n", "event"),
        ("to:\n  - {id: erp, use: core.http, conection: a, action: b}\n", "connection"),
        ("tests:\n  - {name: a, given: {event: {}}, expct: {}}\n", "expect"),
        ("steps:\n  - sblot: fiscal\n    allows: [pure]\n", "slot"),
        ("steps:\n  - slot: fiscal\n    alows: [pure]\n", "allows"),
        ("params: {rate: {type: rate, defualt: 5/s}}\n", "default"),
        ("pack: es\nlayer: country\nfor: {contry: ES}\nowner: x\nresidency: eu\n", "country"),
        ("overlay: a\nbase: sales@^1\nset: {a: b}\neffective: {sice: 2027-01-01}\n", "since"),
        ("overlay: a\nbase: sales@^1\nsett: {a: b}\n", "set"),
    ],
)
def test_a_misspelt_key_that_is_needed_is_one_finding(text: str, suggestion: str) -> None:
    assert [(f.code, f.suggestion) for f in findings_in(text)] == [("TF1101", suggestion)]


def test_a_route_without_sinks_is_told_at_its_name() -> None:
    found = findings_in("to: []\n")
    assert [(f.code, f.mark.line, f.mark.column) for f in found] == [("TF1102", 2, 8)]


def test_one_misspelt_key_hides_nothing_else() -> None:
    codes = {f.code for f in findings_in("retry: {give_up_afer: 24h}\nkeep: 400\nversion: v2\n")}
    assert codes == {"TF1101", "TF1124", "TF1115"}


def test_a_file_with_only_a_misspelt_key_is_still_in_the_project(read: Callable[..., object]) -> None:
    from tests.config.snippets import file_for

    path, text = file_for("retry: {give_up_afer: 24h}\n")
    project, findings = read({path: text})  # type: ignore[misc]
    assert [f.code for f in findings] == ["TF1101"]
    assert list(project.routes) == ["sales"]


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        (("erp", "erp"), "TF1110"),
        (("order", "orders"), "TF1111"),
        (("sale", "slae"), "TF1111"),
        (("erp", "erp-sum"), ""),
    ],
)
def test_ids_of_one_route_cannot_be_mistaken(ids: tuple[str, str], code: str) -> None:
    first, second = ids
    text = f"steps:\n  - id: kind\n    choose:\n      - {{when: x, steps: [{{id: {first}, map: y}}]}}\n"
    found = findings_in(text + f"to:\n  - {{id: {second}, event: a@1}}\n")
    assert [(f.code, f.mark.column, f.also[0].column) for f in found] == ([(code, 10, 32)] if code else [])


def test_errors_of_a_plugins_own_fields_are_told_inside_the_text() -> None:
    from pydantic import BaseModel, ConfigDict, Field, field_validator

    from engine.config.models.base import problem

    class Inner(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        expr: str = Field(alias="for")

        @field_validator("expr")
        @classmethod
        def _refuse(cls, value: str) -> str:
            raise problem(
                "TF2001", "no such function", "did you mean `sum`?", "sum", offset=value.index("smu"), length=3
            )

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        items: list[Inner | str]
        near: dict[str, Inner] = {}

    document, _ = read_text(
        "f.yaml", "a:\n  items:\n    - for: >-\n        one +\n        smu(x)\n  near: {x: {fr: a}}\n  when: z\n"
    )
    assert document is not None
    with pytest.raises(Exception) as raised:
        Config.model_validate(document.data["a"])
    found = findings_of(raised.value, document, ("a",), Config, above=("when",), what="`a`")  # type: ignore[arg-type]
    places = {(f.code, f.mark.line, f.mark.column, f.suggestion) for f in found}
    assert ("TF2001", 5, 9, "sum") in places
    assert ("TF1101", 6, 14, "for") in places
    assert ("TF1106", 7, 3, "") in places


def test_validated_gives_the_model() -> None:
    from engine.config.models import RetryDoc

    document, _ = read_text("f.yaml", "retry: {give_up_after: 1h}\n")
    assert document is not None
    model, findings = validated(document, RetryDoc, ("retry",))
    assert findings == []
    assert (model.give_up_after, model.backoff.first) == ("1h", "1s")
