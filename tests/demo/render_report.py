#!/usr/bin/env python3
"""Opens a report page in headless Chromium and checks what the browser made of it.

usage: tests/demo/render_report.py report.html

Needs `chromium` (or CHROMIUM=/path/to/it). Exits with 0 if curves, confusion matrix and module tree are on the
page, the page's script has run and the browser's console has no message; with 1 and a line for each failure if not;
with 77 if there is no browser.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser

SKIPPED = 77


class Page(HTMLParser):
    """Collects the elements the checks ask for."""

    def __init__(self):
        super().__init__()
        self.ready = None
        self.figures, self.paths, self.texts = [], {}, []  # paths: the drawn ones of each figure
        self.cells = self.rows = self.scoped = self.nodes = self.cursors = self.images = 0
        self.in_matrix = self.in_text = False

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        classes = (a.get("class") or "").split()
        if tag == "html":
            self.ready = a.get("data-ready")
        elif tag == "figure":
            self.figures.append(a.get("id"))
            self.paths[a.get("id")] = []
        elif tag == "path":
            self.paths[self.figures[-1]].append(a.get("d", ""))
        elif tag == "text":
            self.in_text = True
        elif tag == "table":
            self.in_matrix = "matrix" in classes
        elif self.in_matrix and tag == "td":
            self.cells += 1
        elif self.in_matrix and tag == "th":
            self.scoped += a.get("scope") in ("row", "col")
            self.rows += a.get("scope") == "row"
        elif tag in ("summary", "div") and "row" in classes:
            self.nodes += 1
        elif tag == "img":
            self.images += (a.get("src") or "").startswith("data:image/png") and bool(a.get("alt"))
        self.cursors += tag == "g" and "cursor" in classes

    def handle_endtag(self, tag):
        self.in_text = self.in_text and tag != "text"
        self.in_matrix = self.in_matrix and tag != "table"

    def handle_data(self, data):
        if self.in_text:
            self.texts.append(data)


def render(browser, path):
    with tempfile.TemporaryDirectory() as profile:
        result = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={profile}", "--enable-logging=stderr", "--dump-dom", path.as_uri()],
            capture_output=True, text=True, timeout=120, check=False)
    console = [line for line in result.stderr.splitlines() if ":CONSOLE" in line]
    return result.stdout, console


def check(page, console):
    failures = [f"the console says: {line}" for line in console]

    def expect(holds, sentence):
        if not holds:
            failures.append(sentence)

    points = {figure: [len(re.findall("[ML]", d)) for d in paths] for figure, paths in page.paths.items()}
    expect(page.ready is not None, "the page's script did not run to its end")
    expect({"epoch-loss", "epoch-accuracy", "step-loss"} <= set(page.figures), "a chart is missing")
    expect(page.ready == str(len(page.figures)), "the script knows fewer charts than there are")
    expect(page.cursors == len(page.figures), "a chart has no tooltip")
    for figure, counts in points.items():
        expect(counts and max(counts) >= 1, f"{figure} has no curve")
    expect(max(points.get("step-loss", [0])) >= 10, "the loss of every step has fewer than 10 points")
    expect(len(page.texts) >= 8 * len(page.figures), "the axes have too few labels")
    expect(page.rows > 0 and page.cells == page.rows ** 2, "the confusion matrix is not a full square")
    expect(page.scoped == 2 * page.rows + 1, "a heading of the confusion matrix has no scope")
    expect(page.nodes >= 2, "the module tree is missing")
    return failures


def main():
    if len(sys.argv) != 2:
        print(__doc__.splitlines()[2], file=sys.stderr)
        return 2
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("render_report: no chromium, nothing checked")
        return SKIPPED
    page = Page()
    dom, console = render(browser, pathlib.Path(sys.argv[1]).resolve(strict=True))
    page.feed(dom)
    failures = check(page, console)
    for failure in failures:
        print(f"render_report: {failure}")
    if not failures:
        print(f"render_report: {len(page.figures)} charts, {page.cells} cells, {page.nodes} modules, "
              f"{page.images} images")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
