"""Where the Chromium of this machine is; run as a program it prints the path, or fails."""

import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium() -> str | None:
    """The first Chromium or Chrome on PATH that starts, else Playwright's own, else None."""
    for name in NAMES:
        path = shutil.which(name)
        if path and _starts(path):
            return path
    return _playwrights_own()


def _starts(path: str) -> bool:
    # Some distributions ship a script of this name that only tells you to install another package.
    answer = subprocess.run(
        [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return answer.returncode == 0


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and _starts(path) else None


if __name__ == "__main__":
    found = find_chromium()
    if found is None:
        sys.exit(1)
    print(found)
