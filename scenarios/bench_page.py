"""How fast does the page open, does it keep up, how many frames a second, and does its memory stay flat?

Debian's Chromium, without a window and without a graphics card, looks at `consortium play RUN`: of a finished run, of a
trace that is made long enough, or of a consortium that stands (live). It prints when something was seen first, when all
records were there, frames a second while it plays, how far it fell behind its clock, and the memory of its scripts.
Server and browser share the machine: say what else it did.

    python scenarios/bench_page.py runs/RUN
    python scenarios/bench_page.py runs/RUN --records 1000000
    python scenarios/bench_page.py consortium-data --seconds 600
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consortium.runs.trace import Record, read_trace, write_trace

if TYPE_CHECKING:
    from playwright.sync_api import Page

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MEASURING = "--enable-precise-memory-info"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FRAMES = """(ms) => new Promise((resolve) => {
  let frames = 0, worst = 0, began = performance.now(), before = began;
  const from = consortium.player.now();
  const frame = (now) => {
    frames += 1; worst = Math.max(worst, now - before); before = now;
    if (now - began < ms) requestAnimationFrame(frame);
    else resolve({ seconds: (now - began) / 1000, frames, worst, played_s: (consortium.player.now() - from) / 1e6,
      end_s: consortium.player.end / 1e6, now_s: consortium.player.now() / 1e6 });
  };
  requestAnimationFrame(frame);
})"""
HEAP = "performance.memory.usedJSHeapSize / 1e6"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
OPEN_S = 120.0


def lengthened(trace: list[Record], wanted: int) -> Iterator[Record]:
    """The trace again and again, later and at greater heights each time, until there are so many records."""
    end_us = max(record["t_us"] for record in trace) + 1
    top = max(int(record.get("height", 0)) for record in trace) + 1
    left = wanted
    for turn in count():
        for record in trace[:left]:
            changes = {"t_us": record["t_us"] + turn * end_us}
            if "height" in record:
                changes["height"] = record["height"] + turn * top
            yield {**record, **changes}
        left -= min(left, len(trace))
        if not left:
            return


@contextmanager
def served(*words: str | Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`consortium play WORDS` while the block runs: the address of the page, and the process that serves it."""
    command = [sys.executable, "-m", "consortium", "play", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield next(word for word in line.split() if word.startswith("http://")), process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait(page: Page, script: str) -> float:
    """Seconds until an expression in the page is true."""
    began = time.monotonic()
    while not page.evaluate(script):
        if time.monotonic() - began > OPEN_S:
            raise SystemExit(f"not within {OPEN_S:g} s: {script}")
        page.wait_for_timeout(10)
    return time.monotonic() - began


def opened(page: Page, address: str) -> Any:
    """What the page says of its source, after all its records came; prints how long that took."""
    began = time.monotonic()
    page.goto(address)
    wait(page, "Boolean(window.consortium)")
    about = page.evaluate("fetch('page/about.json').then((answer) => answer.json())")
    if about["source"] != "live":
        wait(page, f"consortium.player.records.length >= {about['records']}")
        print(f"all of {about['records']:,} records in the page after {time.monotonic() - began:.2f} s")
    print(f"first paint after {page.evaluate(PAINT):.0f} ms")
    return about


def look(page: Page, seconds: float, speed: float, is_live: bool) -> None:
    """Print a line for each tenth of the time, and frames a second over all."""
    if not is_live:
        page.evaluate(f"consortium.player.seek(0), consortium.player.setSpeed({speed}), consortium.player.play()")
    frames = spent = 0.0
    for turn in range(10):
        told = page.evaluate(FRAMES, seconds * 100)
        frames, spent = frames + told["frames"], spent + told["seconds"]
        behind = told["end_s"] - told["now_s"] if is_live else speed * told["seconds"] - told["played_s"]
        print(
            f"{(turn + 1) * seconds / 10:6.1f} s  {told['frames'] / told['seconds']:5.1f} frames/s, the longest "
            f"{told['worst']:4.0f} ms, {behind:5.2f} s behind, scripts hold {page.evaluate(HEAP):.1f} MB"
        )
    print(f"{frames / spent:.1f} frames a second over {spent:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", type=Path, help="the folder of a run, or of a consortium that stands")
    parser.add_argument("--records", type=int, default=0, help="make a trace of so many records out of the run's")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--speed", type=float, default=1.0)
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise SystemExit("no Chromium is installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        place = asked.place
        if asked.records:
            place = Path(made) / "trace.jsonl"
            write_trace(place, lengthened(read_trace(asked.place / "trace.jsonl"), asked.records))
        began = time.monotonic()
        with served(place) as (address, process):
            print(f"served after {time.monotonic() - began:.2f} s; load of the machine {os.getloadavg()[0]:.1f}")
            browser = playwright.chromium.launch(executable_path=program, args=[*SWITCHES, MEASURING])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            about = opened(page, address)
            look(page, asked.seconds, asked.speed, about["source"] == "live")
            print(f"server: {_rss_mb(process.pid):.0f} MB")
            browser.close()


def _rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
