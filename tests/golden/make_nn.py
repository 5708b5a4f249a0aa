"""Golden values of PyTorch's layers: writes nn/<family>.json from nn/<family>.py.

A family has layers(): cases of layer_cases.py; prints(): {name: module} whose repr is kept; init(): cases of torch.nn.init.

Made with PyTorch 1.13 (CPU): python3 make_nn.py [FAMILY ...]
"""

import importlib
import pathlib
import sys

import torch_cases


def main():
    folder = pathlib.Path(__file__).with_name("nn")
    for family in sys.argv[1:] or sorted(p.stem for p in folder.glob("*.py")):
        cases = importlib.import_module(f"nn.{family}")
        sections = {}
        for section in ("layers", "init", "trained", "pruned"):
            if hasattr(cases, section):
                sections[section] = list(getattr(cases, section)())
        if hasattr(cases, "prints"):
            sections["print"] = {name: repr(module) for name, module in cases.prints().items()}
        torch_cases.write(f"nn/{family}.json", sections)


if __name__ == "__main__":
    main()
