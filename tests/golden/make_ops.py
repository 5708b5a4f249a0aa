"""Golden values of operations and their gradients: writes ops/<family>.json from the cases in ops/<family>.py.

Made with PyTorch 1.13 (CPU, without MKL): python3 make_ops.py [FAMILY ...]
"""

import importlib
import pathlib
import sys

import torch_cases


def main():
    folder = pathlib.Path(__file__).with_name("ops")
    for family in sys.argv[1:] or sorted(p.stem for p in folder.glob("*.py")):
        torch_cases.random.manual_seed(20)
        torch_cases.write(f"ops/{family}.json", {"cases": list(importlib.import_module(f"ops.{family}").cases())})


if __name__ == "__main__":
    main()
