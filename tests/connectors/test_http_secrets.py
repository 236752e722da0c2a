"""Secrets that prove nothing are findings with file and line; whoever sends requests learns nothing of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.core.http.auth import SCHEMES, AuthUse
from connectors.core.http.config import HttpConfig, HttpSourceConfig
from engine.backends.secrets import DictSecrets
from engine.compile.compiler import compile_project
from engine.config.project import read_project_from
from engine.core.findings import Finding
from engine.discover import discover
from engine.sdk import Permanent, Secret
from engine.testing.runner.project import TestSecrets

REGISTRY = discover()
CONNECTIONS = "tillflow: 1\nconnections:\n  hooks: {connector: core.http, listen: 127.0.0.1:8080}\n"
ROUTE = """tillflow: 1
route: hook
version: 1.0.0
summary: Takes in what a shop says.
owner: crm
class: process
criticality: operational
from:
  use: core.http
  connection: hooks
  path: /hook
  auth:
    scheme: SCHEME
    secret: "${secret.hook}"
to:
  - {id: kept, use: core.files, connection: out, action: append, with: {path: {const: a.ndjson}}}
"""
KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()


def found(scheme: str, secrets: DictSecrets) -> list[Finding]:
    """Findings about the secret of a webhook."""
    files = {
        "routes/connections.yaml": CONNECTIONS.encode(),
        "routes/hook.yaml": ROUTE.replace("SCHEME", scheme).encode(),
    }
    project, _ = read_project_from(files, {})
    _, findings = compile_project(project, REGISTRY, secrets)
    return [one for one in findings if one.code in ("TF5015", "TF5016", "TF1053")]


@pytest.mark.parametrize(
    "scheme, value, code",
    [
        ("standard_webhooks", "whsec_", "TF5015"),
        ("standard_webhooks", " ", "TF5016"),
        ("standard_webhooks", "not base64 !!", "TF5016"),
        ("standard_webhooks", "whsec_" + base64.b64encode(b"k" * 23).decode(), "TF5015"),
        *((scheme, " ", "TF5015") for scheme in ("github", "shopify", "stripe", "square", "twilio")),
        *((scheme, "seven77", "TF5015") for scheme in ("github", "shopify", "stripe", "square", "twilio")),
        ("hmac, header: X-Sig".replace(", ", "\n    "), "        ", "TF5015"),
    ],
)
def test_a_secret_that_proves_nothing_is_found_when_it_is_loaded(scheme: str, value: str, code: str) -> None:
    (one,) = found(scheme, DictSecrets({"hook": value}))
    line = ROUTE.split("\n").index('    secret: "${secret.hook}"') + 1 + scheme.count("\n")
    assert (one.code, one.mark.file, one.mark.line) == (code, "routes/hook.yaml", line)
    assert "`hook`" in one.message
    assert value.strip() in ("", "whsec_") or value not in one.message + one.help


def test_one_that_is_good_or_not_set_or_a_stand_in_is_no_such_finding() -> None:
    assert found("standard_webhooks", DictSecrets({"hook": KEY})) == []
    assert found("github", DictSecrets({"hook": "eight888"})) == []
    assert [one.code for one in found("standard_webhooks", DictSecrets({}))] == ["TF1053"]
    assert found("standard_webhooks", TestSecrets()) == []


def test_a_blank_one_is_found_in_both_directions_and_a_short_one_where_others_deliver() -> None:
    def auth(value: str) -> dict[str, object]:
        return {"scheme": "bearer", "token": Secret("token", value, "1")}

    HttpConfig.model_validate({"url": "https://x.example", "auth": auth("short")})
    for settings in ({"url": "https://x.example", "auth": auth(" ")}, {"listen": "0.0.0.0:80", "auth": auth("short")}):
        with pytest.raises(ValidationError, match="the secret `token`"):
            HttpConfig.model_validate(settings)
    with pytest.raises(ValidationError, match="shorter than 8"):
        HttpSourceConfig.model_validate({"path": "/", "auth": auth("short")})
    with pytest.raises(ValidationError, match="shorter than 8"):
        kind = SCHEMES["bearer"]
        HttpSourceConfig(path="/", auth=AuthUse(kind, kind.Config(token=Secret("t", "short", "1"))))  # type: ignore[attr-defined]


def test_a_secret_nobody_has_set_verifies_nothing() -> None:
    kind = SCHEMES["standard_webhooks"]
    one = kind(kind.Config(secret=Secret("hook", "", "")))  # type: ignore[attr-defined]
    forged = base64.b64encode(hmac.new(b"", b"1.1773480000.{}", hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "1", "webhook-timestamp": "1773480000", "webhook-signature": f"v1,{forged}"}
    with pytest.raises(Permanent, match="no secret"):
        one.verify("", headers, b"{}", 1_773_480_000_000_000)


OAUTH = {"scheme": "oauth2", "token_url": "https://id.example/token", "client_id": "us"}


@pytest.mark.parametrize(
    "model, settings, why",
    [
        (HttpSourceConfig, {"path": "/", "auth": "oauth2"}, "`oauth2` checks no request that comes in"),
        (HttpConfig, {"listen": "127.0.0.1:80", "auth": "oauth2"}, "`oauth2` checks no request that comes in"),
        (HttpConfig, {"url": "https://x.example", "auth": "github"}, "`github` signs no request that goes out"),
    ],
)
def test_a_scheme_of_the_other_direction_is_refused_when_it_is_loaded(model: Any, settings: Any, why: str) -> None:
    """At run time each request would fail, and the sender of a webhook would try again for days."""
    secret = Secret("s", "a long enough secret", "1")
    both = {"oauth2": OAUTH | {"client_secret": secret}, "github": {"scheme": "github", "secret": secret}}
    with pytest.raises(ValidationError, match=why) as caught:
        model.model_validate(settings | {"auth": both[settings["auth"]]})
    assert caught.value.errors()[0]["ctx"]["code"] == "TF5017"
    HttpConfig.model_validate({"url": "https://x.example", "auth": both["oauth2"]})
    HttpSourceConfig.model_validate({"path": "/", "auth": both["github"]})
