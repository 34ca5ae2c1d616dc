"""The newest seal that a node knows, and the seals that came with blocks which it has not executed yet."""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.machine import Apply, Effect, Executed, Note, Rows, Stable
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate
from consortium.core.seals import check_seal
from consortium.core.verifier import Verifier
from consortium.ledger.certificate import newest_seal, seal_rows
from consortium.ledger.sound import SoundBlocks


class NewestSeals:
    """`stable`: the highest height that this node knows to be sealed; `newest`: that seal, None at the genesis."""

    def __init__(self, rows: Rows, epochs: Epochs, verifier: Verifier, sound: SoundBlocks) -> None:
        self._rows = rows
        self._epochs = epochs
        self._verifier = verifier
        self._sound = sound
        self.stable, self.newest = newest_seal(rows)
        self._fetched: dict[int, Certificate] = {}  # of heights not executed yet

    def stand(self, height: int, seal: Certificate) -> None:
        """A seal stands in the ledger now."""
        if height > self.stable:
            self.stable, self.newest = height, seal

    def keep(self, height: int, seal: Certificate) -> None:
        """A seal came from a peer: it is judged when that height is executed (`on_executed`)."""
        self._fetched[height] = seal

    def useful(self, stable_height: int) -> Certificate | None:
        """The newest seal; for one who lags by epochs that of its own last block, for it can judge no later one. None
        where ours begin later, with a snapshot. Raises Damaged."""
        epoch = self._epochs.at(stable_height + 1)
        following = self._epochs.number(epoch.number + 1)
        if following is None or following.first_height > self.stable:
            return self.newest
        return self._sound.seal(following.first_height - 1)

    def on_executed(self, event: Executed) -> list[Effect]:
        """A seal that came with the block makes it stable, if it is one."""
        if event.height not in self._fetched:
            return []
        seal = self._fetched.pop(event.height)
        self._fetched = {at: held for at, held in self._fetched.items() if at > event.height}
        if event.height <= self.stable:
            return []
        try:
            vote = check_seal(seal, self._epochs, self._verifier)
        except Malformed as error:
            return [Note("rejected", {"why": str(error)[:120], "sender": "", "message": "seal"})]
        if (vote.height, vote.header_digest) != (event.height, event.header_digest):
            return [Note("rejected", {"why": "a seal over another header", "sender": "", "message": "seal"})]
        self.stable, self.newest = event.height, seal
        rows = seal_rows(self._rows, event.height, seal)
        self._rows.stage(rows)
        note = Note("sealed", {"height": event.height, "signers": len(seal.signatures)})
        return [Apply(event.height, rows), Stable(event.height, seal), note]
