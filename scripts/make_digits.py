#!/usr/bin/env python3
"""Writes mica/data/digits_data.cpp from the digits.csv.gz of scikit-learn.

usage: make_digits.py [CSV]    the default is where Debian's package python3-sklearn puts it.
Each line of the table is 64 pixels and a label. The data is the test set of "Optical Recognition of Handwritten
Digits" (E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998), CC BY 4.0.
"""

import csv
import gzip
import sys
import zlib
from pathlib import Path

SOURCE = "/usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz"
TARGET = Path(__file__).parent.parent / "mica/data/digits_data.cpp"
COUNT, PIXELS = 1797, 64
WIDTH = 110  # characters a line

HEAD = """\
// Written by scripts/make_digits.py: change that, not this. The format is in digits_data.h.
//
// Optical Recognition of Handwritten Digits, test set. E. Alpaydin and C. Kaynak, UCI Machine Learning Repository,
// 1998, https://doi.org/10.24432/C50P49. Licence: CC BY 4.0.
#include <mica/data/digits_data.h>

namespace mica::data {

// clang-format off
const std::string_view digits_base85 =
"""


def read_table(path):
    """The bytes of all pixels, and of all labels."""
    with gzip.open(path, "rt") as file:
        rows = [[int(float(cell)) for cell in row] for row in csv.reader(file)]
    assert len(rows) == COUNT and all(len(row) == PIXELS + 1 for row in rows), "not the digits of scikit-learn"
    return bytes(p for row in rows for p in row[:PIXELS]), bytes(row[PIXELS] for row in rows)


def compress(data):
    """zlib; of its strategies, the one for numbers that hardly repeat does best here."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_FILTERED)
    return compressor.compress(data) + compressor.flush()


def base85(data):
    """Characters that need no escape in a C++ string, and cannot form a trigraph."""
    data += bytes(-len(data) % 4)
    digits = []
    for i in range(0, len(data), 4):
        word = int.from_bytes(data[i:i + 4], "big")
        digits += [word // 85**k % 85 for k in (4, 3, 2, 1, 0)]
    return "".join(chr(ord("(") + d) for d in digits).replace("\\", "}").replace("?", "~")


def main():
    pixels, labels = read_table(sys.argv[1] if len(sys.argv) > 1 else SOURCE)
    text = base85(compress(pixels + labels))
    lines = [f'"{text[i:i + WIDTH]}"' for i in range(0, len(text), WIDTH)]
    tail = ";\n// clang-format on\n\n}  // namespace mica::data\n"
    TARGET.write_text(HEAD + "\n".join(lines) + tail, encoding="ascii")


if __name__ == "__main__":
    main()
