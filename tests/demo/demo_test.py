#!/usr/bin/env python3
"""Holds examples/fashion_mnist to its promises, on the built-in digits.

usage: tests/demo/demo_test.py PROGRAM [unittest options]
"""

import gzip
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1)


def limit_file_size(size):
    """A full disk for everyone: writing more than this fails (EFBIG instead of a signal)."""
    def apply():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return apply


class Demo(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.out = self.folder / "out"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def run_demo(self, *arguments, out=None, **options):
        return subprocess.run([PROGRAM, "--out", str(out or self.out), *arguments], capture_output=True, text=True,
                              timeout=300, check=False, restore_signals=False, **options)

    def train(self, *arguments, **options):
        done = self.run_demo("--data", "digits", "--threads", "2", *arguments, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails_in_one_line(self, done, *words):
        """Exit status 2, one line on standard error with these words."""
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    # --- training and reporting ---

    def test_trains_and_writes_everything(self):
        text = self.train("--epochs", "4")
        for expected in ("Net(", "Conv2d(1, 32", "parameters", "threads", "epoch 4/4", "images/s", "precision", "Truth"):
            self.assertIn(expected, text)
        accuracy = float(re.search(r"Test accuracy ([0-9.]+) % after 4 epochs", text).group(1))
        self.assertGreater(accuracy, 93)
        self.assertEqual({p.name for p in self.out.iterdir()},
                         {"checkpoint.safetensors", "model.safetensors", "report.html"})

    def test_plain_lines_when_not_a_terminal(self):
        text = self.train("--epochs", "2")
        self.assertNotIn("\r", text)
        self.assertNotIn("\x1b", text)
        self.assertLessEqual(len(re.findall(r"^epoch", text, re.MULTILINE)), 24)

    def test_the_same_seed_gives_the_same_model_and_another_seed_another(self):
        self.train("--epochs", "2", "--seed", "5")
        first = (self.out / "model.safetensors").read_bytes()
        self.train("--epochs", "2", "--seed", "5")
        self.assertEqual((self.out / "model.safetensors").read_bytes(), first)
        self.train("--epochs", "2", "--seed", "6")
        self.assertNotEqual((self.out / "model.safetensors").read_bytes(), first)

    # --- stopping and resuming ---

    def interrupt(self, *arguments, at):
        """Starts training, sends Ctrl-C once `at` was printed, returns the finished process's output."""
        command = [PROGRAM, "--out", str(self.out), *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            seen = ""
            for line in process.stdout:
                seen += line
                if at in line:
                    process.send_signal(signal.SIGINT)
                    break
            seen += process.stdout.read()
        self.assertEqual(process.returncode, 130, seen)
        return seen

    def test_ctrl_c_saves_and_resume_goes_on_bit_for_bit(self):
        epochs = ("--epochs", "30")
        self.train(*epochs, out=self.folder / "whole")
        seen = self.interrupt("--data", "digits", "--threads", "2", *epochs, at="epoch 3/30")
        self.assertIn(f"--resume --out {self.out}", seen)
        self.assertTrue((self.out / "checkpoint.safetensors").exists())
        self.assertFalse((self.out / "report.html").exists())
        seen = self.interrupt("--resume", at="epoch 11/30")  # and again, in the middle of another epoch
        done = self.run_demo("--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("epoch 2/30", done.stdout)
        for name in ("model.safetensors", ):
            self.assertEqual((self.out / name).read_bytes(), (self.folder / "whole" / name).read_bytes(), name)
        # The report differs in nothing but the time it took.
        seconds = re.compile(r"\d+(\.\d+)? ?(s|min)\b[^<\"]*")
        pages = [seconds.sub("", (folder / "report.html").read_text()) for folder in (self.out, self.folder / "whole")]
        self.assertEqual(len(re.findall("<img", pages[0])), len(re.findall("<img", pages[1])))
        matrix = re.compile(r"<table class=\"?matrix.*?</table>", re.DOTALL)
        self.assertEqual(matrix.search(pages[0]).group(), matrix.search(pages[1]).group())

    def test_resume_of_a_finished_run_reports_again(self):
        self.train("--epochs", "2")
        (self.out / "report.html").unlink()
        done = self.run_demo("--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.out / "report.html").exists())

    def test_resume_without_a_checkpoint_says_so(self):
        self.fails_in_one_line(self.run_demo("--resume"), "no checkpoint", "--resume")

    def test_resume_with_another_option_says_which(self):
        self.train("--epochs", "1")
        self.fails_in_one_line(self.run_demo("--resume", "--lr", "0.5"), "--lr", "0.5")

    def test_damaged_checkpoints_are_refused_and_left_alone(self):
        self.train("--epochs", "1")
        path = self.out / "checkpoint.safetensors"
        whole = path.read_bytes()
        for damaged in (whole[:100], whole[:-1], whole + b"x", b"", b"\xff" * 8 + whole[8:],
                        whole.replace(b"optimizer.state.0.", b"optimizer.stake.0."), whole.replace(b"checkpoint 1", b"checkpoint 9")):
            path.write_bytes(damaged)
            self.fails_in_one_line(self.run_demo("--resume"))
            self.assertEqual(path.read_bytes(), damaged)

    # --- wrong arguments, data, places ---

    def test_help_names_every_option(self):
        done = self.run_demo("--help")
        self.assertEqual(done.returncode, 0)
        for option in "epochs batch-size lr seed threads data out resume help".split():
            self.assertIn("--" + option, done.stdout)

    def test_wrong_arguments_are_one_line(self):
        for arguments in (["--epochs", "0"], ["--epochs", "many"], ["--batch-size", "1"], ["--lr", "-1"],
                          ["--lr", "nan"], ["--threads", "-3"], ["--speed", "9"], ["surplus"], ["--epochs"],
                          ["--data", "cifar"], ["--data", "digits", "--batch-size", "9999"]):
            self.fails_in_one_line(self.run_demo(*arguments))
            self.assertFalse((self.out / "checkpoint.safetensors").exists())

    def idx(self, folder, images=64, labels=64):
        """A small data set in MNIST's files."""
        folder.mkdir(exist_ok=True)
        for part in ("train", "t10k"):
            pixels = bytes(range(256)) * (images * 784 // 256 + 1)
            with gzip.open(folder / f"{part}-images-idx3-ubyte.gz", "wb") as file:
                file.write(struct.pack(">4I", 0x803, images, 28, 28) + pixels[:images * 784])
            with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz", "wb") as file:
                file.write(struct.pack(">2I", 0x801, labels) + bytes(i % 10 for i in range(labels)))
        return folder

    def test_a_folder_of_idx_files_serves_as_data(self):
        done = self.run_demo("--data", str(self.idx(self.folder / "small")), "--epochs", "1", "--batch-size", "16")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_missing_truncated_and_corrupt_data_are_one_line(self):
        (self.folder / "empty").mkdir()
        self.fails_in_one_line(self.run_demo("--data", str(self.folder / "empty")), "train-images-idx3-ubyte")
        self.fails_in_one_line(self.run_demo("--data", str(self.idx(self.folder / "odd", labels=63))))
        data = self.idx(self.folder / "broken")
        victim = data / "t10k-images-idx3-ubyte.gz"
        whole = victim.read_bytes()
        for damaged in (whole[:len(whole) // 2], whole[:3], b"", whole[:40] + b"\0\0\0\0" + whole[44:], b"plain text"):
            victim.write_bytes(damaged)
            self.fails_in_one_line(self.run_demo("--data", str(data)), victim.name)
            self.assertFalse((self.out / "checkpoint.safetensors").exists())

    def test_an_unwritable_folder_is_noticed_before_training(self):
        (self.folder / "file").write_text("in the way")
        for place in (self.folder / "file", self.folder / "file" / "out", "/proc/out"):
            done = self.run_demo("--data", "digits", out=place)
            self.fails_in_one_line(done, str(place))
            self.assertNotIn("epoch", done.stdout)

    def test_a_full_disk_leaves_the_old_files_and_nothing_half_written(self):
        self.train("--epochs", "1")
        before = {p.name: p.read_bytes() for p in self.out.iterdir()}
        done = self.run_demo("--data", "digits", "--epochs", "1", "--seed", "9", preexec_fn=limit_file_size(200_000))
        self.fails_in_one_line(done, "checkpoint.safetensors")
        self.assertEqual({p.name: p.read_bytes() for p in self.out.iterdir()}, before)

    def test_a_really_full_disk_too(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True,
                                 check=False)
        if mounted.returncode != 0:
            self.skipTest("mounting needs root")
        try:
            done = self.run_demo("--data", "digits", "--epochs", "1", out=disk / "out")
            self.fails_in_one_line(done, "checkpoint.safetensors", "No space left")
            self.assertEqual(list((disk / "out").iterdir()), [])
        finally:
            time.sleep(0.1)
            subprocess.run(["umount", str(disk)], check=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    unittest.main()
