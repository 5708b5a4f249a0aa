#!/usr/bin/env python3
"""Runs examples/custom_activation, and checks that what it trains has learned.

usage: tests/demo/custom_activation_test.py PROGRAM
"""

import re
import subprocess
import sys

done = subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True)
start = float(re.search(r"step +0 +loss ([0-9.]+)", done.stdout).group(1))
within = float(re.search(r"within the data ([0-9.]+)", done.stdout).group(1))
assert within < start / 50, done.stdout
