"""The compiler: a Project and the installed plugins become a RouteSet and findings. Pure: no I/O, no clock."""

from __future__ import annotations

from functools import partial

from engine.compile.catalog import Catalog
from engine.compile.checks import check_project
from engine.compile.connections import plan_connections
from engine.compile.digests import content_digest
from engine.compile.mapping.collection import Mappings
from engine.compile.overlays import check_overlays
from engine.compile.plan import Plan, RouteSet
from engine.compile.regions.choosing import Regional
from engine.compile.regions.planning import plan_regions, region_digest
from engine.compile.reuse import Memory
from engine.compile.routes import plan_route
from engine.compile.scopes import check_scopes
from engine.compile.tables import plan_tables, row_shapes
from engine.compile.testfiles import check_tests
from engine.compile.types import plan_types
from engine.config.project import Project
from engine.core.findings import Finding
from engine.core.garbage import collecting_later
from engine.plugins.registry import Registry
from engine.ports.secrets import SecretSource


def compile_project(
    project: Project, registry: Registry, secrets: SecretSource, memory: Memory | None = None
) -> tuple[RouteSet, list[Finding]]:
    """Every route without an error as a Plan, and all findings of one run, in the order of files and lines.

    A route whose own file, mapping, schema, table, connection or shared steps have an error is left out; whether the
    others may run is for the caller to decide. Problems of form were found when the project was read.

    memory   of compilations before, with the same registry
    """
    with collecting_later():
        return _compile(project, registry, secrets, memory or Memory())


def _compile(
    project: Project, registry: Registry, secrets: SecretSource, memory: Memory
) -> tuple[RouteSet, list[Finding]]:
    catalog = memory.begin(project, registry, secrets)
    catalog.schemas.check()
    catalog.tables = plan_tables(catalog)
    catalog.rows = row_shapes(catalog)
    catalog.types = plan_types(catalog, memory.types)
    catalog.connections = plan_connections(catalog, secrets)
    catalog.mappings = Mappings(catalog)
    catalog.mappings.compile_all(memory.mappings)
    plans: dict[str, Plan] = {}
    reads: dict[str, set[str]] = {}
    for name, loaded in sorted(project.routes.items()):
        plan, reads[name] = memory.route(catalog, name, loaded, partial(plan_route, catalog, loaded))
        if plan is not None:
            plans[name] = plan
    check_scopes(catalog)
    check_tests(catalog, memory.cases)
    check_overlays(catalog)
    regions = plan_regions(catalog, plans, memory)
    for name, read in regions.reads.items():
        if name in reads:  # else the route does not have the name of its file, which is told where it is read
            reads[name] |= read
    memory.end(catalog)
    check_project(catalog, reads)
    plans = {name: plan for name, plan in plans.items() if name not in regions.broken}
    return _route_set(catalog, plans, regions.routes), catalog.report.all()


def _route_set(catalog: Catalog, plans: dict[str, Plan], regional: dict[str, Regional]) -> RouteSet:
    digest = content_digest(
        "routes",
        {name: plan.digest for name, plan in plans.items()},
        {name: connection.digest for name, connection in catalog.connections.items()},
        {name: table.version for name, table in catalog.tables.items()},
        {name: catalog.schemas.digest(name) for name in catalog.types},
        *([{name: region_digest(one) for name, one in regional.items()}] if regional else []),
    )
    return RouteSet(
        digest=digest,
        plans=plans,
        connections=catalog.connections,
        tables=catalog.tables,
        types=catalog.types,
        files=catalog.project.files,
        mappings=catalog.mappings.all(),
        regional=regional,
    )
