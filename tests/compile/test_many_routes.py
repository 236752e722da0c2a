"""500 routes in one project; how long they take is what the bench of `validate` measures."""

from __future__ import annotations

from engine.compile.compiler import compile_project
from engine.config.project import read_project_from
from tests.compile.support import ENVIRONMENT, Secrets, fixture_files, registry

COUNT = 500


def many() -> dict[str, bytes]:
    files = dict(fixture_files())
    base = files["routes/sales-posting.yaml"].decode()
    for number in range(COUNT):
        name = f"posting-{number:03}"
        text = base.replace("route: sales-posting", f"route: {name}").replace("finance-posting", f"{name}-booking")
        files[f"routes/{name}.yaml"] = text.encode()
    return files


def test_500_routes_are_compiled() -> None:
    files, plugins, secrets = many(), registry(), Secrets()
    project, found = read_project_from(files, ENVIRONMENT)
    routes, more = compile_project(project, plugins, secrets)
    assert found == [] and more == []
    assert len(routes.plans) == COUNT + 5


def test_plans_of_equal_routes_share_what_is_equal() -> None:
    project, _ = read_project_from(many(), ENVIRONMENT)
    routes, _ = compile_project(project, registry(), Secrets())
    one, other = routes.plans["posting-001"].sink("erp"), routes.plans["posting-002"].sink("erp")
    assert one is not None and other is not None and one.call is not None and other.call is not None
    assert one.call.mapper is other.call.mapper
    assert one.when is other.when
    assert routes.plans["posting-001"].source.accepts is routes.plans["posting-002"].source.accepts
