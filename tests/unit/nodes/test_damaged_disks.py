"""One bit flipped in each 4 KiB of every durable file that a node reads: detected before use, or without effect; never
given to others, never a crash loop."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from nodes.process.settings import NodeFolder
from tests.damaged_disk import ME, Place, Told, assert_harmless, lay_folder, places, start

SAMPLED = 7  # of so many places in the ledger and its log one


def begun(tmp_path: Path, transactions: int, *, has_base: bool) -> tuple[NodeFolder, Told]:
    """The folder, and what a start over a copy of it tells."""
    folder = lay_folder(tmp_path / "laid", transactions, has_base=has_base)
    shutil.copytree(folder.run, tmp_path / "sound")
    sound = start(NodeFolder(tmp_path / "sound", ME))
    assert sound.head > 10 and sound.snapshot[1] and (has_base or len(sound.given) == sound.head)
    return folder, sound


def tried(
    tmp_path: Path, folder: NodeFolder, sound: Told, where: Iterable[Place], caplog: pytest.LogCaptureFixture
) -> Counter[str]:
    seen = Counter[str]()
    for place in where:
        seen[assert_harmless(folder, place, tmp_path / "hurt", sound, caplog)] += 1
        shutil.rmtree(tmp_path / "hurt")
    return seen


@pytest.mark.parametrize("has_base", [False, True])
def test_one_flipped_bit_is_detected_or_without_effect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, has_base: bool
) -> None:
    folder, sound = begun(tmp_path, 60, has_base=has_base)
    all_places = places(folder, 1)
    where = [place for place in all_places if "ledger" not in place.file]
    where += [place for place in all_places if "ledger" in place.file][::SAMPLED]
    seen = tried(tmp_path, folder, sound, where, caplog)
    assert {"refused", "observing"} <= set(seen) and len(seen) >= 4, seen


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("has_base", [False, True])
def test_one_flipped_bit_in_each_4_kib_is_detected_or_without_effect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, has_base: bool, seed: int
) -> None:
    folder, sound = begun(tmp_path, 120, has_base=has_base)
    seen = tried(tmp_path, folder, sound, places(folder, seed), caplog)
    print(f"seed {seed}, a snapshot {has_base}: {dict(seen)}")
    assert set(seen) - {"private anew"} == {"refused", "ledger aside", "observing", "older", "no effect"}
