"""The wheel, in an environment that has our dependencies but not our source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from hubspot_hitl import __version__

ROOT = Path(__file__).parents[2]
WITHIN_S = 120


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without an index: hatchling is one of the development tools."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=WITHIN_S)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel into an environment of its own."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    with ZipFile(wheel) as packed:
        packed.extractall(site)
    # The dependencies of this environment without its link to the source tree.
    for path in filter(lambda one: "site-packages" in one, sys.path):
        for entry in Path(path).iterdir():
            ours = entry.name.lower().startswith(("hubspot_hitl", "_hubspot_hitl", "_editable"))
            target = site / entry.name
            if not ours and entry.suffix != ".pth" and not target.exists():
                target.symlink_to(entry)
    return folder / "bin" / "python"


def run(program: Path, *arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    kept = ("PATH", "HOME", "LANG")
    return subprocess.run(
        [str(program), "-c", "from hubspot_hitl.cli import main; main()", *arguments],
        env={name: os.environ[name] for name in kept if name in os.environ},
        cwd=where,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def test_the_wheel_names_its_version_license_and_command(wheel: Path) -> None:
    with ZipFile(wheel) as packed:
        (folder,) = {name.split("/")[0] for name in packed.namelist() if ".dist-info/" in name}
        metadata = packed.read(f"{folder}/METADATA").decode()
        assert f"\nVersion: {__version__}\n" in metadata
        assert "\nLicense-Expression: MIT AND 0BSD\n" in metadata
        licences = [name for name in packed.namelist() if f"{folder}/licenses/" in name]
        assert f"{folder}/licenses/LICENSE" in licences
        assert len([name for name in licences if "/static/vendor/" in name]) == 3
        commands = packed.read(f"{folder}/entry_points.txt").decode()
        assert "hubspot-hitl = hubspot_hitl.cli:main" in commands


def test_the_wheel_holds_everything_but_tests(wheel: Path) -> None:
    with ZipFile(wheel) as packed:
        names = set(packed.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    wanted = {name.removeprefix("src/") for name in tracked.stdout.split()}
    assert wanted <= names
    assert not any(name.startswith(("tests/", "benchmarks/", "scripts/")) for name in names)


def test_the_command_runs_outside_the_source_tree(program: Path, tmp_path: Path) -> None:
    done = run(program, "version", where=tmp_path)
    assert done.stdout.startswith(f"hubspot-hitl {__version__} "), done.stderr


def test_the_demo_plays_from_the_wheel(program: Path, tmp_path: Path) -> None:
    done = run(program, "demo", "--headless", "--json", where=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    tally = json.loads(done.stdout.strip().splitlines()[-1])
    assert (tally["lost"], tally["duplicates"], tally["out_of_order"]) == (0, 0, 0)
