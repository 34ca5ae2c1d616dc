"""A fault act of a user's own, in one file outside the package: what tests of "a new act is one new file" share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consortium.plugins.load import load_folders, unload

FLICKER = '''"""The power flickers: a node dies and starts again at once, several times."""

import msgspec

from consortium.core.draws import between
from consortium.scenario.faults.act import Act, Count, Drawing
from consortium.scenario.scenario import Fault


class Flicker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`times`: how often."""

    times: Count = 1


def _flicker(world, hit):
    for _ in range(hit.options.times):
        world.kill(hit.target, 0)
        world.start(hit.target, "own")
    world.note(hit.target, "flickered", {"times": hit.options.times})


def _draw(stream, shape, name):
    return (Fault("flicker", name, options={"times": between(stream, 1, 2)}),)


ACTS = (
    Act(
        name="flicker",
        sentence="the power fails for a moment",
        touches="node",
        carry_out=_flicker,
        options=Flicker,
        has_target=True,
        mended_by=("restart",),
        target_is="down",
        is_silencing=True,
        state="power failed",
    ),
)
DRAWINGS = (Drawing(_draw, weight=5),)
'''


@contextmanager
def new_act(folder: Path, text: str = FLICKER) -> Iterator[None]:
    """Writes the file into a folder there and loads it as `--plugins` does; afterwards no plug-in is in use."""
    mine = folder / "mine"
    mine.mkdir()
    (mine / "flicker.py").write_text(text, encoding="utf-8")
    load_folders([mine])
    try:
        yield
    finally:
        unload()
