"""A trained PyTorch model in a safetensors file: writes checkpoint.safetensors and checkpoint_run.safetensors.

The first holds the model's state_dict, tied weights under both names. The second holds "image" and "tokens", its output
for them in evaluation ("eval") and in training ("train"), and the running mean of one batch norm after the latter.
tests/io/pytorch_test.cpp has the same model. The format (https://github.com/huggingface/safetensors) is written here, by
hand: 8 bytes of header length, a JSON header, the bytes of the tensors.

Made with PyTorch 1.13 (CPU): python3 make_checkpoint.py
"""

import json
import pathlib
import struct

import torch
from torch import nn

DTYPES = {torch.float32: "F32", torch.int64: "I64"}


def write_safetensors(path, tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        content = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, groups=2, bias=False)
        self.norm = nn.BatchNorm2d(dim, momentum=0.3)

    def forward(self, x):
        return x + torch.relu(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([
            nn.Sequential(nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Sequential(Block(8), nn.MaxPool2d(2))),
            nn.Sequential(nn.Conv2d(8, 12, (3, 1), stride=(2, 1)), nn.GELU(), Block(12)),
        ])
        self.embed = nn.Embedding(17, 12, padding_idx=0)
        self.heads = nn.ModuleDict({"image": nn.Linear(12, 12), "text": nn.Linear(12, 12, bias=False)})
        self.norm = nn.LayerNorm(12)
        self.decode = nn.Linear(12, 17)
        self.decode.weight = self.embed.weight
        self.temperature = nn.Parameter(torch.tensor([1.5]))
        self.register_buffer("scale", torch.linspace(0.5, 1.5, 12))
        self.register_buffer("mask", torch.ones(17), persistent=False)

    def forward(self, image, tokens):
        x = image
        for stage in self.stages:
            x = stage(x)
        words = self.embed(tokens).mean(1)
        x = self.heads["image"](x.mean((2, 3))) + self.heads["text"](words)
        return self.decode(self.norm(x) * self.scale) * self.mask / self.temperature


def main():
    torch.manual_seed(3)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(20):  # so that no number is an initial one, and the statistics have moved
        image, tokens, label = torch.randn(8, 2, 10, 7), torch.randint(0, 17, (8, 5)), torch.randint(0, 17, (8,))
        loss = nn.functional.cross_entropy(net(image, tokens), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder = pathlib.Path(__file__).parent
    write_safetensors(folder / "checkpoint.safetensors", net.state_dict())

    run = {"image": torch.randn(3, 2, 10, 7), "tokens": torch.randint(0, 17, (3, 5))}
    run["eval"] = net.eval()(run["image"], run["tokens"])
    run["train"] = net.train()(run["image"], run["tokens"])
    run["running_mean"] = net.stages[1][2].norm.running_mean
    write_safetensors(folder / "checkpoint_run.safetensors", run)


if __name__ == "__main__":
    main()
