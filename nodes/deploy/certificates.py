"""The certificates of a standing consortium, renewed and revoked while it runs.

Files are replaced whole. Brokers are told by SIGHUP; a node sees within seconds that its certificate was renewed, and
connects with the new one; a gateway is started anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from consortium.core.genesis import Genesis, decode_genesis
from consortium.core.proven import verify_epochs_proof
from nodes.broker.tls_files import BROKER, BROKER_CERTIFICATE, MEMBER, REVOKED
from nodes.conduct.newcomers import prove_members_of
from nodes.deploy.authority import Authority, Certificate, Passphrase, hosts_of
from nodes.deploy.brokers import (
    GATEWAY_FILES,
    lay_broker_certificate,
    lay_bus_certificate,
    lay_gateway_certificate,
    lay_names,
)
from nodes.deploy.running import gateway_of
from nodes.deploy.standing import Standing
from nodes.errors import UserError
from nodes.process.keys import write_readable

GATEWAY: Final = "gateway"


class Certificates:
    """Of one consortium, up or down. `passphrase`: asked for where the authority's key has one. Raises UserError where
    it has no authority."""

    def __init__(self, standing: Standing, passphrase: Passphrase | None = None) -> None:
        self._standing = standing
        self._authority = Authority.open(standing.folder / "authority", passphrase)
        self._genesis: Genesis = decode_genesis((standing.folder / "genesis.json").read_bytes())

    def all(self) -> list[Certificate]:
        """All that were ever issued, by kind and name."""
        return self._authority.issued()

    def rotate(self, name: str) -> list[str]:
        """New keys and certificates for a member or a broker; the older ones are revoked. Which kinds were renewed."""
        broker = self._broker_folder(name)
        if broker is not None:
            hosts = hosts_of((broker / BROKER_CERTIFICATE).read_bytes())
            self._authority.revoke(name, BROKER, keep=lay_broker_certificate(broker, self._authority, hosts))
            self._spread()
            return [BROKER]
        node = self._node_folder(name)
        if name not in self.with_a_place():
            raise UserError(f"the certificate of {name} was revoked for good: it is no member any more")
        self._authority.revoke(name, MEMBER, keep=lay_bus_certificate(node, self._authority, name))
        renewed = [MEMBER]
        gateway = node / GATEWAY_FILES[0]
        if gateway.is_file():
            new = lay_gateway_certificate(node, self._authority, name, hosts_of(gateway.read_bytes()))
            self._authority.revoke(name, GATEWAY, keep=new)
            renewed.append(GATEWAY)
        self._spread()
        if GATEWAY in renewed:
            self._start_anew(gateway_of(name))
        return renewed

    def revoke(self, name: str) -> None:
        """A member has no place on the bus any more: its certificates go onto the list, its name out of the rules."""
        self._node_folder(name)
        held = self.with_a_place()
        left = [other for other in self._standing.deployment.members if other in held and other != name]
        self._authority.revoke(name, MEMBER)
        self._authority.revoke(name, GATEWAY)
        for place in self._standing.deployment.brokers:
            lay_names(place.kind, self._standing.folder / place.name, self._genesis.chain, left)
        self._spread()

    def follow(self) -> list[str]:
        """Revoke the members that the ledger removed, as the members proven by the nodes' ledgers say; who they are."""
        newest = None
        for name in self._standing.deployment.members:
            proof = prove_members_of(self._genesis, self._standing.node(name))
            epoch = verify_epochs_proof(self._genesis, proof).newest if proof else None
            if epoch is not None and (newest is None or epoch.number > newest.number):
                newest = epoch
        if newest is None:
            raise UserError("no ledger here proves who is a member now: bring the consortium up, or wait for a seal")
        before = self._genesis.first_epoch.by_name
        held = self.with_a_place()
        members = [name for name in self._standing.deployment.members if name in held]
        removed = [name for name in members if name in before and name not in newest.by_name]
        for name in removed:
            self.revoke(name)
        return removed

    def with_a_place(self) -> frozenset[str]:
        """Members that have a certificate for the bus which was not revoked."""
        return frozenset(each.name for each in self._authority.issued() if each.kind == MEMBER and not each.is_revoked)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _broker_folder(self, name: str) -> Path | None:
        known = [place.name for place in self._standing.deployment.brokers]
        return self._standing.folder / name if name in known else None

    def _node_folder(self, name: str) -> Path:
        members: Sequence[str] = self._standing.deployment.members
        if name not in members:
            brokers = [place.name for place in self._standing.deployment.brokers]
            raise UserError(f"there is no {name!r}; there are {', '.join([*members, *brokers])}")
        return self._standing.node(name).folder

    def _spread(self) -> None:
        """The list of what was revoked to all that look at it."""
        for member in self._standing.deployment.members:
            write_readable(self._standing.node(member).folder / "tls" / REVOKED, self._authority.crl_pem)
        for place in self._standing.deployment.brokers:
            write_readable(self._standing.folder / place.name / REVOKED, self._authority.crl_pem)
            if self._standing.running.is_up:
                self._standing.running.signal_program(place.name, "HUP")

    def _start_anew(self, program: str) -> None:
        running = self._standing.running
        if running.is_up and program in running.states():
            running.stop_program(program)
            running.start_program(program)
