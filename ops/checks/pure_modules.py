"""Run mypy --strict over the modules that pyproject.toml names as pure."""

import subprocess
import sys
import tomllib
from pathlib import Path

pure = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["citymgmt"]["pure"]
files = [f"{module.replace('.', '/')}.py" for module in pure]
sys.exit(subprocess.call([sys.executable, "-m", "mypy", "--cache-dir", ".local/mypy", *files]))
