"""The client of a consortium's gateways, for programs with an event loop; `blocking.py` is for those without one."""

from __future__ import annotations

import base64
import re
import secrets
import ssl
import time
import typing
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from consortium.client.carrier import Ask, Carrier, NotYet
from consortium.client.errors import BadRequest, Lie, NotAllowed
from consortium.client.following import Following
from consortium.client.records import Happening, Outcome, Record, Stage
from consortium.client.sheets import Sheet, look_at, read_sheet
from consortium.client.trust import Trust, Wanted
from consortium.client.ways import Ways
from consortium.contracts import load_contracts
from consortium.contracts.told import Told, told_records
from consortium.core.calendar import compute_day
from consortium.core.codec import encode
from consortium.core.contract import OK, Query, Refused
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis, decode_genesis
from consortium.core.plain_json import NotOfKind, from_json, to_json
from consortium.core.requests import request_number, request_token
from consortium.core.transaction import encode_transaction, sign_bundle

ITEMS_MAX = 100  # in one request
WITHIN_S = 60.0
WAIT_S = 10  # a gateway is to answer by then, if only that it is taken
STAGES = {"none": Stage.TAKEN, "executed": Stage.EXECUTED, "sealed": Stage.SEALED}
_APPLICATION = re.compile(r"[A-Za-z0-9_.-]{1,64}/[a-z0-9-]{1,32}")

Secret = bytes | Path | str


class Client:
    """`gateways`: their addresses, https://HOST:PORT, of one member or of several at which the application is known.
    `token`: of the application, or the file that holds it. `genesis`: the file that everything is judged by. `ca`: the
    certificate authority of the consortium, ca.crt. `application`: "MEMBER/NAME"; without it the first gateway is
    asked, and believed. `key`: the application's signing key (32 bytes, or the file that holds it), where it is to
    stay here and not at gateways. `within_s`: how long a call may take, unless it says otherwise.

    A call tries one gateway after the other, and again, always with the same idempotency key, until an answer holds
    against the genesis file. It raises the four errors of `errors.py`, and nothing of a gateway that is away before its
    time is over."""

    def __init__(
        self,
        gateways: Sequence[str],
        *,
        token: str | Path,
        genesis: str | Path | Genesis,
        ca: str | Path | None = None,
        application: str = "",
        key: Secret | None = None,
        within_s: float = WITHIN_S,
        mounts: Mapping[str, httpx.AsyncBaseTransport] | None = None,
        wall_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self.genesis = genesis if isinstance(genesis, Genesis) else decode_genesis(Path(genesis).read_bytes())
        self._trust = Trust(self.genesis)
        verify = ssl.create_default_context(cafile=str(ca)) if ca is not None else True
        self._http = httpx.AsyncClient(verify=verify, mounts=mounts, trust_env=False, follow_redirects=False)
        held = token.read_text().strip() if isinstance(token, Path) else token
        self._carrier = Carrier(self._http, Ways(gateways), held)
        self._application = _checked(application) if application else ""
        self._secret = _secret_of(key)
        self._within_s = within_s
        self._wall_us = wall_us
        self._seen_height = -1  # of what was verified: no record may be older

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    @property
    def lies(self) -> str:
        """Which gateways were caught at what; empty where none was."""
        return self._carrier.ways.lies

    # --- handing in -------------------------------------------------------------------------------------------------

    async def submit(
        self,
        contract: str,
        operation: str,
        arguments: Any,
        *,
        wait: str = "executed",
        key: str = "",
        within_s: float | None = None,
    ) -> Outcome:
        """One transaction. `arguments`: the contract's own Struct, or a dict. `wait`: none, executed (f+1 members say
        so) or sealed. `key`: its idempotency key; with the same one it is the same transaction, whenever and wherever
        it is sent again. A refusal by the contract is an outcome with its code."""
        (outcome,) = await self.submit_many(
            [(contract, operation, arguments)], wait=wait, keys=[key] if key else (), within_s=within_s
        )
        if isinstance(outcome, BadRequest):
            raise outcome
        return outcome

    async def submit_many(
        self,
        calls: Sequence[tuple[str, str, Any]],
        *,
        wait: str = "executed",
        keys: Sequence[str] = (),
        within_s: float | None = None,
    ) -> list[Outcome | BadRequest]:
        """Many, a hundred at a time, each executed by itself. One that no gateway takes as it is has its BadRequest in
        its place."""
        if wait not in STAGES:
            raise ValueError(f"wait: one of {', '.join(STAGES)}")
        if keys and len(keys) != len(calls):
            raise ValueError(f"{len(keys)} keys for {len(calls)} calls")
        ends_s = self._ends_s(within_s)
        values = [_arguments(contract, operation, given) for contract, operation, given in calls]
        application = await self._who(ends_s)
        made = [
            Wanted(application, keys[at] if keys else secrets.token_hex(16), contract, operation, encode(value))
            for at, ((contract, operation, _), value) in enumerate(zip(calls, values, strict=True))
        ]
        found: list[Outcome | BadRequest] = []
        for begin in range(0, len(made), ITEMS_MAX):
            end = begin + ITEMS_MAX
            found += await self._hand_in(made[begin:end], values[begin:end], wait, ends_s)
        return found

    async def _hand_in(
        self, wanted: Sequence[Wanted], values: Sequence[Any], wait: str, ends_s: float
    ) -> list[Outcome | BadRequest]:
        body = self._body(wanted, values)
        left_s = max(0.0, min(WAIT_S, 0.8 * (ends_s - self._carrier.now_s())))
        path = f"/v1/transactions?wait={wait}&timeout_s={left_s:.1f}&evidence=true"

        def read(told: Any) -> list[Outcome | BadRequest]:
            items = told.get("items") if isinstance(told, dict) else None
            if not isinstance(items, list) or len(items) != len(wanted):
                raise Lie(f"not the outcomes of {len(wanted)} transactions")
            return [self._outcome(each, one, STAGES[wait]) for each, one in zip(items, wanted, strict=True)]

        return await self._carrier.carry(Ask("POST", path, body, wanted[0].key), read, ends_s)

    def _body(self, wanted: Sequence[Wanted], values: Sequence[Any]) -> bytes:
        """The same, however often it is sent."""
        if self._secret is not None:
            bundle = base64.b64encode(self._signed(wanted)).decode()
            return msgspec.json.encode({"bundles": [bundle]})
        items = [
            {
                "contract": one.contract,
                "operation": one.operation,
                "arguments": to_json(value),
                "idempotency_key": one.key,
            }
            for one, value in zip(wanted, values, strict=True)
        ]
        return msgspec.json.encode({"items": items})

    def _signed(self, wanted: Sequence[Wanted]) -> bytes:
        assert self._secret is not None
        day = compute_day(self._wall_us(), self.genesis.parameters.utc_offset_minutes)
        transactions = [
            encode_transaction(
                request_number(day, request_token(one.application, one.key)),
                one.contract,
                one.operation,
                msgspec.Raw(one.arguments),
            )
            for one in wanted
        ]
        suite = SUITES[self.genesis.suite]()
        return sign_bundle(self.genesis.chain, suite, self._secret, wanted[0].member, transactions)

    def _outcome(self, told: Any, wanted: Wanted, stage: Stage) -> Outcome | BadRequest:
        """Raises Lie, NotYet."""
        if not isinstance(told, dict):
            raise Lie("an outcome that is no object")
        if isinstance(problem := told.get("problem"), dict):
            return BadRequest(str(problem.get("code")), str(problem.get("detail")))
        if "code" not in told:
            identity = told.get("transaction")
            if stage > Stage.TAKEN:
                raise NotYet("taken, and not executed yet")
            if not isinstance(identity, str):
                raise Lie("no transaction is named")
            return Outcome(identity, wanted.key, Stage.TAKEN)
        outcome = self._trust.outcome(told, wanted)
        if outcome.stage < stage:
            raise NotYet("executed, and not sealed yet")
        self._seen_height = max(self._seen_height, outcome.height)
        return outcome

    async def _who(self, ends_s: float) -> str:
        """ "MEMBER/NAME" of the application whose token we have."""
        if not self._application:

            def read(told: Any) -> str:
                if not isinstance(told, dict):
                    raise Lie("the application is not named")
                try:
                    return _checked(f"{told.get('member')}/{told.get('application')}")
                except ValueError as error:
                    raise Lie(str(error)) from None

            self._application = await self._carrier.carry(Ask("GET", "/v1/application"), read, ends_s)
        return self._application

    # --- asking -----------------------------------------------------------------------------------------------------

    async def query(self, contract: str, query: str, arguments: Any = None, *, within_s: float | None = None) -> Record:
        """What a contract answers, as its own type. An answer that is one record of the state comes with its proof;
        any other is the word of one node (`is_proven`). Raises NotAllowed, BadRequest with the contract's code where it
        refuses."""
        held = _query_of(contract, query)
        value = _typed(held.arguments, arguments or {}, f"{contract}.{query}")
        for told in told_records().values():
            if (told.contract, told.query.name) == (contract, query):
                return await self._record(told, told.row.key(value), self._ends_s(within_s))
        body = msgspec.json.encode(to_json(value))
        kind = _answer_kind(held)

        def read(told: Any) -> Record:
            if not isinstance(told, dict) or not isinstance(told.get("height"), int):
                raise Lie("no answer of a query")
            if told.get("code") != OK:
                raise _refusal(str(told.get("code")), str(told.get("sentence")))
            self._check_fresh(told["height"])
            try:
                return Record(from_json(told.get("answer"), kind), told["height"])
            except NotOfKind as error:
                raise Lie(f"the answer is not of its type: {error}") from None

        ask = Ask("POST", f"/v1/queries/{contract}/{query}", body)
        return await self._carrier.carry(ask, read, self._ends_s(within_s))

    async def get(self, word: str, identity: str, *, within_s: float | None = None) -> Record:
        """A record by its id, proven: `get("bills", "H1/2026/7")`. It is never older than what this client was told
        before."""
        record = told_records().get(word)
        if record is None:
            raise ValueError(f"{word}: known words are {', '.join(told_records())}")
        try:
            key = record.row.key(record.row.arguments(record.row.table.key_of(identity)))
        except (Refused, ValueError) as error:
            raise BadRequest("bad-arguments", f"{identity!r} is no id of {word}: {error}") from None
        return await self._record(record, key, self._ends_s(within_s))

    async def view(
        self,
        name: str,
        where: Mapping[str, str | int] | None = None,
        *,
        table: str = "",
        limit: int = 100,
        after: str = "",
        within_s: float | None = None,
    ) -> Sheet:
        """Rows of a view, typed: those with these values in these columns, of one table or of all that have them,
        `limit` of each at most, behind `after` (the `next` of a sheet before). It is one node's word, and
        never older than what this client verified before. Raises NotAllowed where the view is not for the member."""
        look = look_at(name, where or {}, table, limit, after)

        def read(told: Any) -> Sheet:
            sheet = read_sheet(told, look)
            self._check_fresh(sheet.height)
            return sheet

        return await self._carrier.carry(Ask("GET", look.path), read, self._ends_s(within_s))

    def events(
        self, from_height: int | None = None, *, contract: str = "", kind: str = "", within_s: float | None = None
    ) -> AsyncIterator[Happening]:
        """What happens in sealed blocks, from a height on, else from now on: each event once, proven, in the chain's
        order, whatever gateways come and go. `contract`, `kind`: only those. That a gateway leaves something out nobody
        can see. Raises Unavailable where no gateway says anything within the time."""
        after = None if from_height is None else from_height - 1
        following = Following(self._carrier, self._trust, after, contract, kind)
        return following.run(self._within_s if within_s is None else within_s)

    async def _record(self, record: Told, key: str, ends_s: float) -> Record:
        def read(told: Any) -> Record:
            found = self._trust.record(told, record.row.table, key)
            self._check_fresh(found.height)
            self._seen_height = found.height
            return found

        path = f"/v1/{record.word}/{quote(key, safe='/')}?proof=true"
        return await self._carrier.carry(Ask("GET", path), read, ends_s)

    def _check_fresh(self, height: int) -> None:
        if height < self._seen_height:
            raise NotYet(f"it is at height {height}, and {self._seen_height} was seen")

    def _ends_s(self, within_s: float | None) -> float:
        return self._carrier.now_s() + (self._within_s if within_s is None else within_s)


# --- arguments ------------------------------------------------------------------------------------------------------


def _arguments(contract: str, operation: str, given: Any) -> Any:
    """Raises BadRequest."""
    held = load_contracts().get(contract)
    verb = None if held is None else held.operations.get(operation)
    if verb is None:
        raise BadRequest("unknown-operation", f"there is no operation {contract}.{operation}")
    return _typed(verb.arguments, given, f"{contract}.{operation}")


def _query_of(contract: str, query: str) -> Query:
    held = load_contracts().get(contract)
    asked = None if held is None else held.queries.get(query)
    if asked is None:
        raise BadRequest("unknown-query", f"there is no query {contract}.{query}")
    return asked


def _typed(kind: Any, given: Any, what: str) -> Any:
    if isinstance(given, msgspec.Struct):
        if not isinstance(given, kind):
            raise BadRequest("bad-arguments", f"{what}: takes {kind.__name__}, got {type(given).__name__}")
        return given
    try:
        return from_json(given, kind)
    except NotOfKind as error:
        raise BadRequest("bad-arguments", f"{what}: {error}") from None


def _answer_kind(query: Query) -> Any:
    """What the query's function says that it returns."""
    if query.row is not None:
        return query.row.table.kind
    try:
        return typing.get_type_hints(query.run).get("return", Any)
    except (NameError, TypeError):
        return Any


def _refusal(code: str, sentence: str) -> NotAllowed | BadRequest:
    return NotAllowed(code, sentence) if code in ("not-permitted", "not-yours") else BadRequest(code, sentence)


def _checked(application: str) -> str:
    if not _APPLICATION.fullmatch(application):
        raise ValueError(f"an application is named MEMBER/NAME, got {application!r}")
    return application


def _secret_of(key: Secret | None) -> bytes | None:
    if key is None or isinstance(key, bytes):
        return key
    return bytes.fromhex(Path(key).read_text().strip())
