#!/usr/bin/env python3
"""Opens a page of nn::inspect_html in headless Chromium, does something there and prints what came of it.

usage: tests/io/inspect_page.py PAGE STEPS

STEPS is JavaScript that runs at the end of the page and fills an object `out`. Prints {"out": ..., "console": [...]},
where console has the browser's messages. Needs `chromium` (or CHROMIUM=/path/to/it); exits with 77 if there is none.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse


def main():
    if len(sys.argv) != 3:
        print(__doc__.splitlines()[2], file=sys.stderr)
        return 2
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        return 77
    page, steps = (pathlib.Path(name).read_text(encoding="utf-8") for name in sys.argv[1:])
    script = ('<script>"use strict";{const out = {};' + steps +
              ";document.documentElement.dataset.out = encodeURIComponent(JSON.stringify(out));}</script></body>")
    with tempfile.TemporaryDirectory() as folder:
        driven = pathlib.Path(folder) / "page.html"
        # Names in the model may contain "</body>", but only before the real one.
        driven.write_text(script.join(page.rsplit("</body>", 1)), encoding="utf-8")
        result = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={folder}/profile", "--window-size=1200,900", "--enable-logging=stderr", "--dump-dom",
             driven.as_uri()],
            capture_output=True, text=True, timeout=300, check=False)
    out = re.search(r'data-out="([^"]*)"', result.stdout)
    console = [line for line in result.stderr.splitlines() if ":CONSOLE" in line]
    json.dump({"out": json.loads(urllib.parse.unquote(out[1])) if out else None, "console": console}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
