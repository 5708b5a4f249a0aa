#!/usr/bin/env python3
"""Runs examples/quickstart, and checks that README.md shows its model and its loop.

usage: tests/demo/quickstart_test.py PROGRAM
"""

import pathlib
import re
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
program = pathlib.Path(sys.argv[1]).resolve()

with tempfile.TemporaryDirectory() as folder:
    done = subprocess.run([program], cwd=folder, capture_output=True, text=True, check=True)
    assert (pathlib.Path(folder) / "net.safetensors").stat().st_size > 100_000
accuracy = float(re.search(r"([0-9.]+) % of the test digits", done.stdout).group(1))
assert accuracy > 85, done.stdout
assert "(0-2): 3 x Linear(in_features=128, out_features=128, bias=True)" in done.stdout, done.stdout


def statements(text):
    """The code without comments, directives and line breaks, cut at each `;`, `{` and `}`."""
    code = re.sub(r"//.*|^#.*", "", text, flags=re.MULTILINE)
    return {re.sub(r"\s+", " ", s).strip() for s in re.split(r"[;{}]", code)} - {""}


source = statements((root / "examples/quickstart/main.cpp").read_text())
readme = (root / "README.md").read_text()
shown = statements(re.search(r"```cpp\n(.*?)```", readme, re.DOTALL).group(1))
missing = {s for s in shown - source if not s.startswith(("Net model", ".hidden"))}
assert not missing, f"README.md shows what examples/quickstart does not have: {missing}"
