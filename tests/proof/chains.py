"""Projects that issue fiscal records to tills that wait, and an independent check of the chains they write.

The check reads the table the records were exported to and nothing else. It has its own reading of each rule: nothing of
`connectors/compliance` is used.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.proof import projects

RECEIPT = """
$id: receipt@1
title: A receipt of a cash box
x-tillflow:
  key: [box, number]
  guard: total
  business_date: date
  amount: total
  currency: currency
  search: {box: box, number: number}
type: object
required: [box, number, date, time, total]
properties:
  box: {type: string}
  number: {type: string}
  date: {type: string}
  time: {type: string}
  total: {type: number}
  currency: {type: string, default: EUR}
"""
CONNECTIONS = """
tillflow: 1
connections:
  tills: {connector: counter, folder: "${DOORS}", zone: eu}
  books: {connector: core.sql, url: "${BOOKS}", zone: eu, limits: {timeout: 5s}}
"""
TABLE = "create table entries(box text, number text, record text)"
ROUTE = """
from: {use: counter, connection: tills}
accepts: receipt@1
steps:
  - id: fiscal
    STEP
to:
  - id: entries
    use: core.sql
    connection: books
    action: insert
    with: {table: {const: entries}, row: {box: box, number: number, record: RECORD}}
    timeout: 1s
    retry: {give_up_after: 1h, backoff: {first: 1s, max: 1s, factor: 1}}
reply: {body: {box: box, number: number, hash: fiscal.hash, record: RECORD}}
"""


class Entry(NamedTuple):
    """One record of a chain: what it quotes, what the next one has to quote, and the receipt it says it is for."""

    previous: str
    own: str
    box: str
    number: str


@dataclass(frozen=True, eq=False)
class Rule:
    """A fiscal rule.

    step     of the route, as it stands under `steps`
    record   expression of the record that is exported
    first    what the first record of a box quotes
    read     an exported record; AssertionError where it is wrong in itself
    whole    what a chain has to fulfil as a whole, its records in order
    secrets  what its step needs, by name
    """

    name: str
    step: str
    record: str
    first: Callable[[str], str]
    read: Callable[[str], Entry]
    whole: Callable[[list[str]], None] = lambda records: None
    secrets: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def files(self) -> dict[str, str]:
        """The project."""
        route = ROUTE.replace("STEP", self.step).replace("RECORD", self.record)
        return {
            "routes/connections.yaml": CONNECTIONS,
            "routes/issuing.yaml": projects.route("issuing", route),
            "mappings/schemas/receipt@1.yaml": RECEIPT,
        }

    def environ(self) -> dict[str, str]:
        """With the secrets."""
        return {f"TILLFLOW_SECRET_{name.upper()}": value for name, value in self.secrets.items()}


# --- RKSV ------------------------------------------------------------------------------------------------------------

KEY = ec.derive_private_key(20260314, ec.SECP256R1())
AES = hashlib.sha256(b"turnover").digest()


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _chained(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def _code(jws: str) -> list[str]:
    """The parts of a machine code: '', suite, box, number, time, five amounts, turnover, certificate, previous."""
    return _unpadded(jws.split(".")[1]).decode().split("_")


def _rksv(jws: str) -> Entry:
    signed, _, signature = jws.rpartition(".")
    raw = _unpadded(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    KEY.public_key().verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(SHA256()))
    parts = _code(jws)
    return Entry(parts[12], _chained(jws), parts[2], parts[3])


def _counted(records: list[str]) -> None:
    """The turnover counter of each receipt is the sum of all amounts up to it."""
    total = 0
    for jws in records:
        parts = _code(jws)
        total += sum(int(amount.replace(",", "")) for amount in parts[5:10])
        start = hashlib.sha256(f"{parts[2]}{parts[3]}".encode()).digest()[:16]
        turnover = Cipher(algorithms.AES(AES), modes.CTR(start)).decryptor().update(base64.b64decode(parts[10]))
        assert int.from_bytes(turnover, "big", signed=True) == total, f"the counter of {parts[2]} {parts[3]} is wrong"


RKSV = Rule(
    "rksv",
    "rksv: {mode: issue, chain: [box], into: fiscal, signing_secret: rksv_key, aes_secret: rksv_aes, certificate: AB12, "
    'record: "{box: box, number: number, time: time, normal: total}"}',
    "fiscal.jws",
    _chained,
    _rksv,
    _counted,
    {
        "rksv_key": KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "rksv_aes": base64.b64encode(AES).decode(),
    },
)

# --- VeriFactu -------------------------------------------------------------------------------------------------------

_HASHED = ("IDEmisorFactura", "NumSerieFactura", "FechaExpedicionFactura")
_SUMS = ("TipoFactura", "CuotaTotal", "ImporteTotal")


def _verifactu(text: str) -> Entry:
    record = json.loads(text, parse_float=str)
    before = record["Encadenamiento"].get("RegistroAnterior", {}).get("Huella", "")
    values = [*((name, record["IDFactura"][name]) for name in _HASHED), *((name, record[name]) for name in _SUMS)]
    values += [("Huella", before), ("FechaHoraHusoGenRegistro", record["FechaHoraHusoGenRegistro"])]
    own = hashlib.sha256("&".join(f"{name}={value}" for name, value in values).encode()).hexdigest().upper()
    assert record["Huella"] == own, f"the hash of {record['IDFactura']} is not that of its values"
    box, _, number = record["IDFactura"]["NumSerieFactura"].partition("/")
    return Entry(before, own, box, number)


VERIFACTU = Rule(
    "verifactu",
    "verifactu: {mode: issue, chain: [box], into: fiscal, "
    "record: \"{IDEmisorFactura: '89890001K', NumSerieFactura: join('/', [box, number]), FechaExpedicionFactura: date, "
    "TipoFactura: 'F1', CuotaTotal: `0.21`, ImporteTotal: total}\"}",
    "to_string(fiscal.record)",
    lambda box: "",
    _verifactu,
)
RULES = (RKSV, VERIFACTU)


# --- the check -------------------------------------------------------------------------------------------------------


def exported(books: Path) -> list[tuple[str, str, str]]:
    """(box, number, record) of every row, as often as it is there."""
    with closing(sqlite3.connect(f"file:{books}?mode=ro", uri=True)) as database:
        return list(database.execute("select box, number, record from entries"))


def check(rule: Rule, books: Path, answered: Mapping[tuple[str, str], Any]) -> None:
    """One record per receipt that was answered, and each box's are one chain from end to end.

    answered   (box, number) -> the reply its till got
    """
    rows = exported(books)
    told = sorted((box, number) for box, number, _ in rows)
    assert told == sorted(answered), "not each receipt has one record"
    for box in {box for box, _, _ in rows}:
        records = {number: record for name, number, record in rows if name == box}
        for number, record in records.items():
            assert answered[box, number]["record"] == record, f"{box} {number}: exported is not what its till got"
        _follow(rule, box, list(records.values()))


def _follow(rule: Rule, box: str, records: list[str]) -> None:
    """From the first record to the last, each quoted by one."""
    entries = {record: rule.read(record) for record in records}
    assert {entry.box for entry in entries.values()} == {box}, "a record of another box"
    assert len({entry.number for entry in entries.values()}) == len(records), f"{box}: two records of one receipt"
    following = {entry.previous: record for record, entry in entries.items()}
    assert len(following) == len(records), f"{box}: two records quote the same one"
    ordered, head = [], rule.first(box)
    while head in following:
        ordered.append(following.pop(head))
        head = entries[ordered[-1]].own
    assert not following, f"{box}: {len(following)} records hang in no chain"
    rule.whole(ordered)
