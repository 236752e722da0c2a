"""The files under docker/ name what the engine knows, and give nobody more rights than needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from engine.settings import Settings


def compose(root: Path, name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((root / "docker" / name).read_text("utf-8"))["services"])


def image(root: Path) -> str:
    return (root / "docker" / "Dockerfile").read_text("utf-8")


def test_the_engine_of_the_compose_file_starts_with_settings_it_accepts(project_root: Path) -> None:
    given = dict(re.findall(r"(TILLFLOW_\w+)=(\S+)", image(project_root)))
    for name, value in compose(project_root, "compose.yaml")["engine"]["environment"].items():
        given[name] = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", re.sub(r"\$\{\w+\}", "password", value))
    assert all(name in str(Settings.__doc__) for name in given)
    settings = Settings.read(given)
    assert (settings.transport, settings.store) == (
        "amqp://tillflow:password@rabbitmq:5672/tillflow",
        "postgresql://tillflow:password@postgres:5432/tillflow",
    )
    assert (settings.workers, settings.probes) == (2, ("0.0.0.0", 9464))


def test_the_image_runs_as_a_user_without_rights(project_root: Path) -> None:
    text = image(project_root)
    assert re.search(r"^USER tillflow$", text, re.MULTILINE)
    assert text.index("USER tillflow") > text.rindex("RUN ")
    engine = compose(project_root, "compose.yaml")["engine"]
    assert (engine["read_only"], engine["cap_drop"]) == (True, ["ALL"])
    assert "--require-hashes" in text


def test_nothing_is_reachable_from_outside_and_no_password_is_written_down(project_root: Path) -> None:
    for name in ("compose.yaml", "compose.test.yaml"):
        for service in compose(project_root, name).values():
            assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))
    text = (project_root / "docker" / "compose.yaml").read_text("utf-8")
    assert all(value.startswith("${") for value in re.findall(r"PASS(?:WORD)?: (\S+)", text))


def test_tests_and_deployment_use_the_same_images(project_root: Path) -> None:
    deployed, tested = compose(project_root, "compose.yaml"), compose(project_root, "compose.test.yaml")
    for service in ("rabbitmq", "postgres"):
        assert deployed[service]["image"] == tested[service]["image"]
