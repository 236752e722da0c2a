"""A connector in a package of its own, and tillflow itself as an installed wheel: nothing of the checkout is needed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Tillflow
from tests.connectors.test_examples import parts

ROOT = Path(__file__).resolve().parents[2]
ROUTE = """\
tillflow: 1
route: sales-to-acme
version: 1.0.0
owner: integration
class: process
criticality: financial
from: {event: sale.completed@1}
to:
  - {id: acme, use: erp.acme, connection: acme, action: post, with: {document: "@"}}
"""


def install(source: Path, target: Path) -> None:
    """Install one package, without what it depends on, into a folder."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(target), str(source)], check=True, capture_output=True)


def run(*arguments: str, paths: list[Path], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **more, "PYTHONPATH": os.pathsep.join(map(str, paths)), "NO_COLOR": "1"}
    command = [sys.executable, "-P", "-m", "engine.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_a_connector_of_another_package_works_without_a_change_to_the_engine(
    tillflow: Tillflow, project: Path, tmp_path: Path
) -> None:
    tillflow("new", "connector", "erp.acme", "--into", tmp_path)
    install(tmp_path / "tillflow-erp-acme", tmp_path / "site")
    (project / "routes/sales-to-acme.yaml").write_text(ROUTE, "utf-8")
    with (project / "routes/connections.yaml").open("a", encoding="utf-8") as file:
        file.write("  acme:\n    connector: erp.acme\n    url: http://127.0.0.1:9\n")
    paths = [ROOT, tmp_path / "site"]

    shown = run("connectors", "show", "erp.acme", paths=paths, folder=project)
    valid = run("validate", "--strict", paths=paths, folder=project)
    without = run("validate", paths=[ROOT], folder=project)
    tried = run("dry-run", "sales-to-acme", "routes/cases/sale.json", paths=paths, folder=project)

    assert (shown.returncode, valid.returncode, tried.returncode) == (0, 0, 0), (
        shown.stderr + valid.stdout + tried.stdout
    )
    assert "idempotency_key" in shown.stdout
    assert "would go to acme" in tried.stdout
    assert without.returncode == 1
    assert "erp.acme" in without.stdout


def test_the_connector_that_is_laid_down_keeps_its_contracts(tillflow: Tillflow, tmp_path: Path) -> None:
    tillflow("new", "connector", "acme", "--into", tmp_path)
    package = tmp_path / "tillflow-acme"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(package)])}
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-rs", str(package)]
    tested = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False
    )

    assert tested.returncode == 0, tested.stdout
    assert "15 passed, 1 skipped" in tested.stdout, tested.stdout
    assert "the action has no verify" in tested.stdout


def test_the_connector_that_is_laid_down_has_the_shape_and_an_example_that_validates(
    tillflow: Tillflow, tmp_path: Path
) -> None:
    tillflow("new", "connector", "acme", "--into", tmp_path)
    package = tmp_path / "tillflow-acme" / "tillflow_acme"
    shape = {"config.py", "client.py", "source.py", "sink.py", "fake.py", "example.yaml"}
    assert shape <= {path.name for path in package.iterdir()}
    for path in package.glob("*.py"):
        assert set(re.findall(r"(?:from|import) (engine[\w.]*)", path.read_text("utf-8"))) <= {"engine.sdk"}

    install(package.parent, tmp_path / "site")
    for name, content in parts(package / "example.yaml").items():
        (tmp_path / "shop" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "shop" / name).write_bytes(content)
    environ = {"TILLFLOW_SECRET_EXAMPLE_TOKEN": "t"}
    valid = run("validate", "--strict", paths=[ROOT, tmp_path / "site"], folder=tmp_path / "shop", **environ)

    assert valid.returncode == 0, valid.stdout + valid.stderr


def test_a_connector_that_is_put_together_wrongly_says_so_and_breaks_nothing_else(
    tillflow: Tillflow, project: Path, tmp_path: Path
) -> None:
    tillflow("new", "connector", "erp.acme", "--into", tmp_path)
    sink = tmp_path / "tillflow-erp-acme/tillflow_erp_acme/sink.py"
    sink.write_text(sink.read_text("utf-8").replace('"idempotency_key", ', ""), "utf-8")
    install(tmp_path / "tillflow-erp-acme", tmp_path / "site")
    paths = [ROOT, tmp_path / "site"]

    others = run("validate", "--strict", paths=paths, folder=project)
    shown = run("connectors", "show", "erp.acme", paths=paths, folder=project)
    (project / "routes/sales-to-acme.yaml").write_text(ROUTE, "utf-8")
    with (project / "routes/connections.yaml").open("a", encoding="utf-8") as file:
        file.write("  acme:\n    connector: erp.acme\n    url: http://127.0.0.1:9\n")
    found = run("validate", paths=paths, folder=project)

    why = "a sink's action says how a repeat is kept from doubling its effect"
    assert others.returncode == 0, others.stdout
    assert (shown.returncode, found.returncode) == (1, 1)
    assert why in shown.stderr and "Traceback" not in shown.stderr
    assert "TF3020" in found.stdout and why in found.stdout


def test_a_connector_of_a_name_that_is_taken_is_not_laid_down(tillflow: Tillflow, tmp_path: Path) -> None:
    made = tillflow("new", "connector", "core.http", "--into", tmp_path)

    assert made.code == 2
    assert "a connector called core.http is installed already" in made.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tillflow installed from its wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("engine", "connectors"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    install(wheel, folder / "site")
    return folder / "site"


def test_init_works_from_an_installed_wheel(site: Path, tmp_path: Path) -> None:
    made = run("init", "shop", paths=[site], folder=tmp_path)
    valid = run("validate", paths=[site], folder=tmp_path / "shop")
    tested = run("test", paths=[site], folder=tmp_path / "shop")

    assert (made.returncode, valid.returncode, tested.returncode) == (0, 0, 0), (
        made.stderr + valid.stdout + tested.stdout
    )
    assert not (site / "tests").exists()
    assert (site / "engine/py.typed").exists(), "the types of the plugin API are for the checker of a plugin author"


def test_new_connector_works_from_an_installed_wheel(site: Path, tmp_path: Path) -> None:
    made = run("new", "connector", "erp.acme", paths=[site], folder=tmp_path)

    assert made.returncode == 0, made.stderr
    assert (tmp_path / "tillflow-erp-acme" / "tillflow_erp_acme" / "__init__.py").exists()
