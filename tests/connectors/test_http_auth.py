"""Signatures: published vectors, windows, two active secrets, and everything that must be refused."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from connectors.core.http.auth import SCHEMES
from connectors.core.http.config import HttpConfig
from engine.sdk import AuthScheme, Options, Permanent, Secret

pytestmark = pytest.mark.anyio
NOW = 1_773_480_151  # seconds


def secret(text: str, name: str = "test") -> Secret:
    return Secret(name, text, "1")


def scheme(name: str, text: str, **settings: Any) -> Any:
    kind = SCHEMES[name]
    return kind(kind.Config(secret=secret(text), **settings))


def verify(one: Any, headers: dict[str, str], body: bytes, url: str = "", now: int = NOW) -> str:
    return str(one.verify(url, headers, body, now * 1_000_000))


def refused(one: Any, headers: dict[str, str], body: bytes, url: str = "", now: int = NOW) -> str:
    with pytest.raises(Permanent) as caught:
        verify(one, headers, body, url, now)
    assert caught.value.reason == "unauthorized"
    assert one.config.secret.reveal() not in str(caught.value)
    return caught.value.detail


@pytest.fixture
def vectors(shared: Path) -> dict[str, Any]:
    found = json.loads((shared / "samples/compliance-webhook-signatures/vectors.json").read_text())
    return {vector["scheme"]: vector for vector in found["vectors"]}


def test_square_vector(vectors: dict[str, Any]) -> None:
    vector = vectors["square"]
    headers = {"X-Square-HmacSha256-Signature": vector["signature"]}
    one = scheme("square", vector["key"])
    assert verify(one, headers, vector["body"].encode(), vector["url"]) == "ac3ac95b-f97d-458c-a6e6-18981597e05f"
    refused(one, headers, vector["body"].encode(), vector["url"] + "/")


def test_twilio_vector(vectors: dict[str, Any]) -> None:
    vector = vectors["twilio"]
    body = urlencode(vector["params"]).encode()
    one = scheme("twilio", vector["token"])
    assert verify(one, {"X-Twilio-Signature": vector["signature"]}, body, vector["url"]) == "CA1234567890ABCDE"
    refused(one, {"X-Twilio-Signature": vector["signature"]}, body + b"&More=1", vector["url"])


def test_github_vector(vectors: dict[str, Any]) -> None:
    vector = vectors["github"]
    headers = {"X-Hub-Signature-256": vector["signature"], "X-GitHub-Delivery": "d-1"}
    one = scheme("github", vector["secret"])
    assert verify(one, headers, vector["body"].encode()) == "d-1"
    refused(one, headers, vector["body"].encode() + b" ")
    refused(one, {"X-Hub-Signature": vector["signature"].replace("sha256", "sha1")}, vector["body"].encode())


def test_stripe_sample(shared: Path) -> None:
    folder = shared / "samples/saas-stripe"
    facts, body = json.loads((folder / "headers.json").read_text()), (folder / "charge.refunded.json").read_bytes()
    headers = {"Stripe-Signature": facts["Stripe-Signature"]}
    one = scheme("stripe", facts["secret"])
    assert verify(one, headers, body) == json.loads(body)["id"]
    assert "too long ago" in refused(one, headers, body, now=NOW + 361)
    assert "in the future" in refused(one, headers, body, now=NOW - 361)
    refused(one, headers, body.replace(b":", b": ", 1))
    both = {"Stripe-Signature": facts["Stripe-Signature"].replace("v1=", "v1=" + "0" * 64 + ",v1=")}
    assert verify(one, both, body) == json.loads(body)["id"]


def test_shopify_samples(shared: Path) -> None:
    folder = shared / "samples/ecom-shopify/webhooks"
    facts = json.loads((folder / "headers.json").read_text())
    one = scheme("shopify", facts["secret"])
    for delivery in facts["deliveries"]:
        body = (folder / delivery["file"]).read_bytes()
        assert verify(one, delivery["headers"], body) == delivery["headers"]["X-Shopify-Webhook-Id"]
        refused(one, delivery["headers"], body + b"\n")
        refused(scheme("shopify", "other"), delivery["headers"], body)


async def test_standard_webhooks_both_ways_and_during_a_change_of_secrets() -> None:
    old, new = "whsec_dGhlLW9sZC1zZWNyZXQtb2YtYS1zZW5kZXI=", "whsec_dGhlLW5ldy1zZWNyZXQtb2YtYS1zZW5kZXI="
    headers = {"Idempotency-Key": "msg-1"}
    await scheme("standard_webhooks", old).sign("POST", "", headers, b"{}", NOW * 1_000_000)
    assert verify(scheme("standard_webhooks", old), headers, b"{}") == "msg-1"
    assert verify(scheme("standard_webhooks", new, previous=secret(old)), headers, b"{}") == "msg-1"
    refused(scheme("standard_webhooks", new), headers, b"{}")
    refused(scheme("standard_webhooks", old), headers, b"{ }")
    refused(scheme("standard_webhooks", old), headers | {"webhook-id": "msg-2"}, b"{}")
    refused(scheme("standard_webhooks", old), headers | {"webhook-signature": headers["webhook-signature"][3:]}, b"{}")
    many = headers | {"webhook-signature": f"v1,AAAA {headers['webhook-signature']} v2,BBBB"}
    assert verify(scheme("standard_webhooks", old), many, b"{}") == "msg-1"


async def test_a_signature_of_ones_own_making() -> None:
    settings = {"header": "X-Sig", "encoding": "base64", "prefix": "v0=", "id_header": "X-Id", "time_header": "X-Time"}
    one = scheme("hmac", "s3cret", **settings)
    headers = {"X-Id": "7"}
    await one.sign("POST", "", headers, b"body", NOW * 1_000_000)
    assert verify(one, headers, b"body") == "7"
    refused(one, headers, b"body", now=NOW + 400)
    refused(one, headers | {"X-Time": str(NOW + 1)}, b"body")
    refused(one, {"X-Sig": headers["X-Sig"]}, b"body")


@pytest.mark.parametrize("name", ["standard_webhooks", "github", "shopify", "stripe", "square", "twilio"])
@pytest.mark.parametrize("value", [None, "", "t=1,v1=", "v1,", "sha256=", "\u00e9", "x" * 10_000])
def test_a_missing_or_broken_signature_is_refused(name: str, value: str | None) -> None:
    one = scheme(name, "whsec_c29tZS1zZWNyZXQtb2YtYS1zZW5kZXIh")
    headers = {"webhook-id": "1", "webhook-timestamp": str(NOW)} | ({one.header: value} if value is not None else {})
    detail = refused(one, headers, b"{}", "https://example.com/hook")
    assert detail.strip() and "c29tZS1zZWNy" not in detail


@pytest.mark.parametrize(
    "name, settings, header",
    [
        ("basic", {"user": "u", "password": secret("p")}, ("Authorization", "Basic dTpw")),
        ("bearer", {"token": secret("tok")}, ("Authorization", "Bearer tok")),
        ("api_key", {"key": secret("k"), "prefix": "Key "}, ("X-Api-Key", "Key k")),
    ],
)
async def test_fixed_headers_both_ways(name: str, settings: dict[str, Any], header: tuple[str, str]) -> None:
    one = SCHEMES[name](SCHEMES[name].Config(**settings))
    headers: dict[str, str] = {}
    await one.sign("GET", "", headers, b"", 0)
    assert headers == dict([header])
    assert one.verify("", {header[0].lower(): header[1]}, b"", 0) == ""
    for wrong in ({}, {header[0]: header[1] + "x"}, {header[0]: ""}):
        with pytest.raises(Permanent, match="missing or wrong"):
            one.verify("", wrong, b"", 0)


def test_signatures_and_tokens_are_only_ever_compared_in_constant_time(project_root: Path) -> None:
    """No `==` or `in` touches a signature, token or expected value in the modules that check them."""
    for file in (project_root / "connectors/core/http/auth").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Compare) and not all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
                names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
                assert not names & {"expected", "given", "signature", "secret", "candidates"}, (
                    f"{file.name}:{node.lineno}"
                )


def test_schemes_of_other_plugins_are_found_through_the_engine() -> None:
    class Ours(AuthScheme):
        class Config(Options):
            token: str

        def __init__(self, config: Any) -> None:
            self.token = config.token

        async def sign(self, method: str, url: str, headers: dict[str, str], body: bytes, now: int) -> None:
            headers["X-Token"] = self.token

    context = SimpleNamespace(auth_scheme={"acme.ours": Ours}.get)
    settings = {"url": "https://x.example", "auth": {"scheme": "acme.ours", "token": "t"}}
    made = HttpConfig.model_validate(settings, context=context)
    assert made.auth is not None
    assert made.auth.build().token == "t"  # type: ignore[attr-defined]
    with pytest.raises(ValidationError) as caught:
        HttpConfig.model_validate(settings | {"auth": {"scheme": "strip"}}, context=context)
    assert caught.value.errors()[0]["ctx"]["suggestion"] == "stripe"


def test_a_missing_signature_names_the_header_that_is_looked_for() -> None:
    one = scheme("hmac", "s3cret", header="X-Till-Signature")
    assert "X-Till-Signature" in refused(one, {}, b"{}")
