"""Applications: who may use this gateway, by which token, for what, and with which key it signs for them.

A token is shown once and kept as its SHA-256: it is 32 random bytes, so nothing is gained by guessing. A signing key is
an application's own, beside the member's keys and apart from its vote key; the ledger knows it as the application's.

A scope is `contract.name` of an operation or a query, `contract.*` for all of a contract, `views.NAME`, `ledger.blocks`
(transactions of everybody, by id and block), or `*`.
"""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256
from pathlib import Path

import msgspec

from nodes.errors import UserError
from nodes.gateway.errors import Problem
from nodes.gateway.settings import GatewayFolder
from nodes.process.keys import SECRET_BYTES, read_private, write_private

FORMAT = 1
TOKEN_BYTES = 32
SCOPE = re.compile(r"\*|[a-z][a-z0-9_]{0,63}\.(?:\*|[a-z][a-z0-9_]{0,63})")
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
BLOCKS = "ledger.blocks"


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`token`: SHA-256 of its token, hexadecimal. `has_key`: a signing key lies here; without one the client signs."""

    name: str
    member: str
    token: str
    scopes: tuple[str, ...]
    has_key: bool = True

    def may(self, contract: str, name: str) -> bool:
        return any(scope in ("*", f"{contract}.*", f"{contract}.{name}") for scope in self.scopes)

    def check(self, contract: str, name: str) -> None:
        """Raises Problem 403."""
        if not self.may(contract, name):
            raise Problem(403, "out-of-scope", f"the token of {self.name} is not for {contract}.{name}")

    @property
    def full_name(self) -> str:
        return f"{self.member}/{self.name}"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    applications: tuple[Application, ...] = ()


class Applications:
    """Those of one gateway, read again where the file has changed."""

    def __init__(self, folder: GatewayFolder) -> None:
        self._folder = folder
        self._mark: tuple[int, int, int] | None = None
        self._found: tuple[Application, ...] = ()
        self._secrets: dict[str, bytes] = {}

    def all(self) -> tuple[Application, ...]:
        """Raises UserError where the file cannot be read."""
        mark = _mark(self._folder.applications)
        if mark != self._mark:
            self._found, self._mark = read_applications(self._folder.applications), mark
            self._secrets.clear()
        return self._found

    def of_token(self, token: str) -> Application | None:
        """Every application is compared, each in constant time: how long it takes tells nothing of a token."""
        digest, found = token_digest(token), None
        for each in self.all():
            if hmac.compare_digest(each.token, digest):
                found = each
        return found

    def secret(self, application: Application) -> bytes:
        """Its signing key. Raises Problem 403 where its client has it alone, UserError where the file is damaged."""
        if not application.has_key:
            why = "this gateway has no key of the application: sign with your own, and POST /v1/transactions"
            raise Problem(403, "no-key-here", why)
        held = self._secrets.get(application.name)
        if held is None:
            held = self._secrets[application.name] = read_key(self._folder.key(application.name))
        return held


def token_digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def make_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def read_applications(path: Path) -> tuple[Application, ...]:
    """Raises UserError."""
    if not path.exists():
        return ()
    try:
        file = msgspec.json.decode(read_private(path), type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if file.format != FORMAT:
        raise UserError(f"{path} is of format {file.format}; this program reads format {FORMAT}")
    return file.applications


def write_applications(path: Path, applications: tuple[Application, ...]) -> None:
    """In place of those before; whole or not at all."""
    written = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_private(written, msgspec.json.format(msgspec.json.encode(_File(FORMAT, applications)), indent=2) + b"\n")
    written.replace(path)


def add_application(
    folder: GatewayFolder, name: str, member: str, scopes: tuple[str, ...], token: str, secret: bytes | None
) -> Application:
    """Its key and the digest of its token; it can be used at once, as far as the ledger knows the key. Raises
    UserError."""
    check_name(name)
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise UserError(f"--may {scope}: expected CONTRACT.NAME, CONTRACT.*, views.NAME, {BLOCKS} or *")
    folder.make()
    held = read_applications(folder.applications)
    if any(each.name == name for each in held):
        raise UserError(f"{folder.applications} has an application {name!r} already: take another name, or remove it")
    if secret is not None:
        write_private(folder.key(name), secret.hex().encode() + b"\n")
    made = Application(name, member, token_digest(token), scopes, secret is not None)
    write_applications(folder.applications, (*held, made))
    return made


def remove_application(folder: GatewayFolder, name: str) -> bool:
    """Its token is good for nothing from now on, and its key is gone from here. False where there is none."""
    held = read_applications(folder.applications)
    left = tuple(each for each in held if each.name != name)
    if len(left) == len(held):
        return False
    write_applications(folder.applications, left)
    for path in (folder.key(name), folder.token(name)):
        path.unlink(missing_ok=True)
    return True


def check_name(name: str) -> None:
    """Raises UserError."""
    if not NAME.fullmatch(name):
        raise UserError(f"an application's name has 1 to 32 of a-z, 0-9 and -, got {name!r}")


def read_key(path: Path) -> bytes:
    """Raises UserError naming the file that is missing, open to others or malformed."""
    try:
        secret = bytes.fromhex(read_private(path).decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise UserError(f"{path} is no key: it must hold {SECRET_BYTES * 2} hexadecimal digits")
    return secret


def _mark(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns
