"""A reader of safetensors files that shares no code with Mica, for tests/io/pytorch_test.cpp.

usage: read_safetensors.py FILE    prints, as JSON, the metadata and each tensor's dtype, shape, values and bytes
It insists on the format (https://github.com/huggingface/safetensors), and on aligned tensors, which readers that map
the file rely on. Standard library alone.
"""

import json
import struct
import sys

# What struct calls the numbers of a dtype; BF16 and F16 are shown as bits.
FORMATS = {"F64": "d", "F32": "f", "BF16": "H", "F16": "H", "I64": "q", "I32": "i", "U8": "B", "BOOL": "?"}


def unique(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), "a name appears twice"
    return dict(pairs)


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    assert length <= len(content) - 8, "the header is longer than the file"
    text = content[8:8 + length].decode("utf-8")
    assert text.startswith("{"), "the header does not start with a brace"
    assert length % 8 == 0, "the data does not start at a multiple of 8"
    header, data = json.loads(text, object_pairs_hook=unique), content[8 + length:]

    metadata = header.pop("__metadata__", {})
    assert all(isinstance(value, str) for value in metadata.values()), "metadata is text"
    tensors, position = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert set(entry) == {"dtype", "shape", "data_offsets"}, entry
        begin, end = entry["data_offsets"]
        assert begin == position, f"{name} leaves a gap or overlaps"
        count = 1
        for size in entry["shape"]:
            count *= size
        code = FORMATS[entry["dtype"]]
        width = struct.calcsize("=" + code)
        assert end - begin == count * width, f"{name} has {end - begin} bytes for {count} numbers"
        assert begin % width == 0, f"{name} is not aligned"
        tensors[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "bytes": data[begin:end].hex(),
                         "values": struct.unpack(f"<{count}{code}", data[begin:end])}
        position = end
    assert position == len(data), "there are bytes behind the last tensor"
    return {"metadata": metadata, "tensors": tensors}


if __name__ == "__main__":
    json.dump(read(sys.argv[1]), sys.stdout)
