"""What changes something: acts against members, and what is handed in. From the page itself alone, and only where
whoever started it allowed it."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nodes.page.acts import Act, carry_out
from nodes.page.asked import Page, answer
from nodes.page.forms import ROLES, filled, form_of, submitter, submitters, trial_of
from nodes.page.guard import why_no_act
from nodes.page.hand_in import hand_in
from nodes.page.ledgers import Ledgers
from nodes.page.wrong import Wrong

BODY_MAX = 16_384
B = TypeVar("B")


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`member`: who hands in; empty: the first that may."""

    kind: str
    fields: dict[str, Any]
    member: str = ""


async def post_act(page: Page, request: Request) -> Response:
    """POST /page/act"""
    asked = await taken(request, Act, page.may.chaos, "--allow-chaos")
    ledgers = _standing(page)
    said = await asyncio.to_thread(carry_out, ledgers.facts.folder, asked, page.words_of(request))
    return answer({"said": said})


async def get_forms(page: Page, request: Request) -> Response:
    """GET /page/forms?member=NAME&lang=zh"""
    if not page.may.submit:
        raise Wrong(403, "nothing is handed in here: start with --allow-submit")
    ledgers, words = _standing(page), page.words_of(request)
    member = request.query_params.get("member", "")
    names = submitters(ledgers.facts)
    if member and member not in names:
        raise Wrong(404, f"{member!r} hands nothing in by a form; these do: {', '.join(names)}")
    told: dict[str, Any] = {"members": names}
    for kind, role in ROLES.items():
        able = [each.name for each in ledgers.facts.scenario.members if each.role == role]
        if able and (not member or member in able):
            told[kind] = await _form(ledgers, kind, member or able[0], words)
    return answer(told)


async def _form(ledgers: Ledgers, kind: str, member: str, words: Any) -> list[dict[str, str]]:
    return await ledgers.ask(member, words, lambda seen: form_of(trial_of(seen, ledgers.facts, member), kind, words))


async def post_submit(page: Page, request: Request) -> Response:
    """POST /page/submit"""
    asked = await taken(request, Form, page.may.submit, "--allow-submit")
    ledgers = _standing(page)
    member = submitter(ledgers.facts, asked.kind, asked.member)
    sample = await ledgers.ask(
        member,
        page.words_of(request),
        lambda seen: filled(trial_of(seen, ledgers.facts, member), asked.kind, asked.fields),
    )
    done = await hand_in(ledgers.facts, sample)
    told = {name: done[name] for name in ("transaction", "height", "index", "code", "sentence") if name in done}
    bill = getattr(sample.arguments, "bill_no", "")
    return answer({**told, "member": member, **({"bill": bill} if bill else {})})


async def taken(request: Request, body: type[B], is_allowed: bool, flag: str) -> B:
    """The body of a request that the page itself sent. Raises Wrong 403, 413, 400."""
    why = why_no_act(request.headers, request.url.scheme)
    if why:
        raise Wrong(403, why)
    if not is_allowed:
        raise Wrong(403, f"whoever started this page did not allow it: start with {flag}")
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > BODY_MAX:
            raise Wrong(413, f"at most {BODY_MAX} bytes")
    try:
        return msgspec.json.decode(data, type=body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Wrong(400, f"this cannot be read: {error}") from None


def _standing(page: Page) -> Ledgers:
    """Raises Wrong 404."""
    ledgers = page.source.ledgers
    if ledgers is None or not ledgers.is_live:
        raise Wrong(404, "a run that is over takes nothing more")
    return ledgers
