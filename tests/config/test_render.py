"""Findings for people and for machines."""

from __future__ import annotations

import json

import pytest

from engine.config import render
from engine.config.excerpt import excerpt, masked
from engine.core.findings import Finding, Mark

SOURCE = b"retry:\n  retires: 5\n"
FINDING = Finding(
    "TF1101",
    "`retires` is not a key of `retry`",
    Mark("routes/sales.yaml", 2, 3, 10),
    "did you mean `retries`?",
    "retries",
)


def test_the_human_form_has_five_parts() -> None:
    text = render.as_text([FINDING], {"routes/sales.yaml": SOURCE})
    assert text == (
        "error[TF1101]: `retires` is not a key of `retry`\n"
        "  --> routes/sales.yaml:2:3\n"
        "  |\n"
        "1 | retry:\n"
        "2 |   retires: 5\n"
        "  |   ^^^^^^^\n"
        "  help: did you mean `retries`?\n"
        "  why: A key nobody reads has no effect, and whoever wrote it believes it has.\n"
        "  example: owner: finance  (tillflow explain TF1101)\n"
        "\n"
    )


def test_an_example_of_several_lines_stands_on_its_page_only() -> None:
    text = render.as_text([Finding("TF1112", "two types", Mark("a.yaml"))], {})
    assert text.endswith("  example: tillflow explain TF1112\n\n")


def test_the_reason_is_a_whole_sentence() -> None:
    text = render.as_text([Finding("TF2034", "text by order", Mark("a.yaml"))], {})
    assert "31.12. after 01.01. of the next year.\n" in text


def test_colour_is_asked_for() -> None:
    assert "\x1b[" in render.as_text([FINDING], {}, colour=True)
    assert "\x1b[" not in render.as_text([FINDING], {})


def test_a_second_place_is_shown_too() -> None:
    finding = Finding("TF1010", "twice", Mark("a.yaml", 2, 1, 2), also=(Mark("a.yaml", 1, 1, 2),))
    text = render.as_text([finding], {"a.yaml": b"a: 1\na: 2\n"})
    assert "also a.yaml:1:1\n  |\n1 | a: 1\n  | -\n" in text


def test_a_finding_of_a_file_that_is_gone_has_no_excerpt() -> None:
    assert " | " not in render.as_text([FINDING], {})


def caret(line: str, start: int, end: int, width: int = 80) -> tuple[str, str]:
    shown = excerpt(Mark("f", 1, start, end), line.encode(), width, context=0)
    return shown[1][1], shown[2][1]


def test_tabs_and_wide_characters_are_aligned() -> None:
    assert caret("a\tb", 3, 4) == ("a    b", "     ^")
    assert caret("名前: x", 5, 6) == ("名前: x", "      ^")
    assert caret("e\u0301x", 3, 4) == ("e\u0301x", " ^")


def test_control_characters_are_shown_not_obeyed() -> None:
    text, below = caret("a\x1b[31mb", 7, 8)
    assert text == "a\\x1b[31mb"
    assert below == " " * 9 + "^"
    finding = Finding("TF1008", "bad \x1b[2J", Mark("f\x07.yaml"))
    assert "\x1b" not in render.as_text([finding], {}) and "\x07" not in render.as_text([finding], {})


@pytest.mark.parametrize("start", [1, 50, 150, 290])
@pytest.mark.parametrize("width", [40, 80])
def test_long_lines_are_cut_around_the_caret(start: int, width: int) -> None:
    line = "".join(chr(97 + n % 26) for n in range(300))
    text, below = caret(line, start, start + 3, width)
    assert len(text) <= width and len(below) <= width
    first = below.index("^")
    assert text[first : first + 3] == line[start - 1 : start + 2]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("password: hunter2", "password: *******"),
        ('  login: {user: a, password: "hunter2"}', "  login: {user: a, password: *********}"),
        ("api_key: 'abc' # note", "api_key: ***** # note"),
        ("password: ${secret.erp}", "password: ${secret.erp}"),
        ("url: postgresql://me:hunter2@db/x", "url: postgresql://me:*******@db/x"),
        ("url: http://me:${PW}@db/x", "url: http://me:${PW}@db/x"),
        ("at: http://host:8080/a@b", "at: http://host:8080/a@b"),
        ("erp_token: abc", "erp_token: ***"),
        ("tokens: [a]", "tokens: [a]"),
        ("owner: finance", "owner: finance"),
    ],
)
def test_literal_secrets_never_show(line: str, shown: str) -> None:
    assert masked(line) == shown


def test_json_has_the_promised_shape() -> None:
    assert json.loads(render.as_json([FINDING])) == {
        "findings": [
            {
                "code": "TF1101",
                "severity": "error",
                "file": "routes/sales.yaml",
                "line": 2,
                "column": 3,
                "message": "`retires` is not a key of `retry`",
                "help": "did you mean `retries`?",
                "suggestion": "retries",
            }
        ]
    }


def test_sarif_names_rule_place_and_level() -> None:
    warning = Finding("TF9003", "unknown", Mark("routes/a b.yml"), severity="warning", also=(Mark("x", 3, 4, 5),))
    run = json.loads(render.as_sarif([FINDING, warning]))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["TF1101", "TF9003"]
    first, second = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "routes/sales.yaml"},
        "region": {"startLine": 2, "startColumn": 3, "endColumn": 10},
    }
    assert (first["ruleIndex"], first["level"], second["level"]) == (0, "error", "warning")
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "routes/a%20b.yml"
    assert second["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 3


def test_github_commands_cannot_be_forged() -> None:
    finding = Finding("TF1101", "100%\n::error::x", Mark("a,b:c.yaml", 1, 2, 3), "do it")
    assert render.as_github([finding]) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,endColumn=3,title=TF1101::100%25%0A::error::x%0Ado it\n"
    )


def test_a_password_in_an_address_is_in_no_form_of_a_finding() -> None:
    url = "http://me:hunter2@shop/x"
    finding = Finding("TF5013", f"{url!r} is no host", Mark("a.yaml"), f"not {url}", url)
    told = [form([finding]) for form in (render.as_json, render.as_sarif, render.as_github)]
    assert not any("hunter2" in text for text in (*told, render.as_text([finding], {"a.yaml": url.encode()})))


@pytest.mark.parametrize("piece", ["x", "password", "password: ${, ", 'token: "a, ', "secret: '''x, ", "password:  "])
def test_a_line_of_a_megabyte_is_shown_like_any_other(piece: str) -> None:
    line = ("a: " + piece * (1 << 20))[: 1 << 20]
    near = excerpt(Mark("f.yaml", 1, 4, len(line)), line.encode(), 80)
    far = excerpt(Mark("f.yaml", 1, len(line) - 3, len(line)), line.encode(), 80)
    assert near[1][1].startswith("a: ") and near[1][1].endswith("…")
    assert far[1][1].startswith("…")
    assert max(len(text) for _, text, _ in near + far) <= 80


def test_a_secret_that_begins_far_before_the_place_is_covered_up_to_it() -> None:
    line = "password: '" + "s" * 5000 + "' # end"
    shown = excerpt(Mark("f.yaml", 1, 5000, 5001), line.encode(), 80)
    assert "s" not in shown[1][1] and "*" in shown[1][1]


def test_nothing_is_shown_of_a_line_that_is_too_long_to_be_read() -> None:
    assert excerpt(Mark("f.yaml"), b"x" * ((1 << 20) + 1), 80) == []
