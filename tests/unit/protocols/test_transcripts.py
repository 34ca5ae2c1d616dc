"""The golden transcripts are today's, and a change of what a replica does shows in them."""

from __future__ import annotations

import pytest

from tests.transcripts import FOLDER, SCENES, transcript


@pytest.mark.parametrize("name", SCENES)
def test_the_transcript_is_what_the_replicas_do_today(name: str) -> None:
    """`make transcripts` writes them anew; look at the difference before you commit it."""
    assert transcript(SCENES[name]) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def test_every_transcript_is_of_a_scene() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(SCENES)


@pytest.mark.parametrize("name", SCENES)
def test_every_scene_ends_with_one_decision_at_every_member(name: str) -> None:
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert sum("decides height 1" in line for line in lines) == 4
    assert max(map(len, lines)) <= 320, "it is for reading"


def test_a_lost_message_changes_the_transcript() -> None:
    scene = SCENES["pbft_normal_case"]
    lossy = scene._replace(is_lost=lambda sender, receiver, message: sender == "n3")
    assert transcript(lossy) != transcript(scene)
