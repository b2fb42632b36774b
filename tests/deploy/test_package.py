"""What `pip install` puts beside other people's packages."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.processes
def test_the_package_brings_names_of_its_own_and_the_demo(tmp_path: Path):
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"rta", "rta_transports"}
    assert {"rta/defaults/site.toml", "rta/defaults/redis.toml", "rta_transports/mqtt/__init__.py"} <= set(names)
