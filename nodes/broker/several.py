"""Several brokers of one run, which may die one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nodes.broker.address import BrokerAddress
from nodes.broker.broker import Broker, check_broker, make_broker

SEPARATOR = ","


def check_brokers(text: str) -> None:
    """Whether each of these brokers, with commas between them, can be had. Raises UserError."""
    for each in text.split(SEPARATOR):
        check_broker(each)


def make_brokers(text: str, folder: Path, chain: bytes, names: Sequence[str]) -> Broker:
    """The one broker that `text` names, or several with commas between them, in folders of their own."""
    texts = text.split(SEPARATOR)
    if len(texts) == 1:
        return make_broker(text, folder, chain, names)
    folder.mkdir(mode=0o700)
    places = zip(texts, _places(folder, len(texts)), strict=True)
    return SeveralBrokers([make_broker(each, place, chain, names) for each, place in places])


class SeveralBrokers(Broker):
    """As the conductor sees them: started and stopped together, killed together or one alone."""

    def __init__(self, brokers: Sequence[Broker]) -> None:
        super().__init__(dict(brokers[0].addresses))
        self._brokers = brokers

    @property
    def places(self) -> dict[str, tuple[BrokerAddress, ...]]:
        return {name: tuple(each.addresses[name] for each in self._brokers) for name in self.addresses}

    def start(self, number: int = 0) -> None:
        for each in self._meant(number):
            each.start()

    def kill(self, number: int = 0) -> None:
        for each in self._meant(number):
            each.kill()

    def stop(self) -> None:
        for each in self._brokers:
            each.stop()

    def moved(self, folder: Path) -> None:
        for each, place in zip(self._brokers, _places(folder, len(self._brokers)), strict=True):
            each.moved(place)

    def _meant(self, number: int) -> Sequence[Broker]:
        return self._brokers[number - 1 : number] if number else self._brokers


def _places(folder: Path, count: int) -> list[Path]:
    return [folder / f"broker-{number}" for number in range(1, count + 1)]
