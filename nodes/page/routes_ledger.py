"""What the page asks ledgers: with whose eyes, in which language."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from nodes.gateway.routes_read import PURPOSE, audited, read_handle
from nodes.page.asked import Page, answer, number_of
from nodes.page.funds import tell_funds
from nodes.page.ledgers import Ledgers
from nodes.page.sequence import diagrams_of
from nodes.page.told import find_things, read_of, tell_blocks, tell_story
from nodes.page.wrong import Wrong
from nodes.process.door_client import ask_door
from nodes.process.door_frames import DoorClosed, DoorError, door_path
from nodes.process.settings import NodeFolder

TEXT_MAX = 200


async def get_blocks(page: Page, request: Request) -> Response:
    """GET /page/blocks?from=H&count=K&eyes=NAME&lang=zh"""
    eyes, begin, count = page.eyes_of(request), number_of(request, "from", 0), number_of(request, "count", 10)
    told = await page.ledgers_of(request).ask(
        eyes, page.words_of(request), lambda seen: tell_blocks(seen, begin, count, is_everything=not eyes)
    )
    return answer(told)


async def get_story(page: Page, request: Request) -> Response:
    """GET /page/story/{kind}/{id}?eyes=NAME&lang=zh"""
    kind, identity = request.path_params["kind"], text_of(request.path_params["id"])
    eyes, ledgers = page.eyes_of(request), page.ledgers_of(request)

    def tell(seen: Any) -> tuple[dict[str, Any], Any, str]:
        return tell_story(seen, kind, identity), read_of(seen, kind, identity), seen.reader.member

    told, read, reader = await ledgers.ask(eyes, page.words_of(request), tell)
    if read is not None and ledgers.is_live:
        await asyncio.to_thread(note_read, ledgers, reader, *audited(*read))
    return answer(told)


async def get_find(page: Page, request: Request) -> Response:
    """GET /page/find?text=…"""
    text = text_of(request.query_params.get("text", ""))
    return answer(
        await page.ledgers_of(request).ask(
            page.eyes_of(request), page.words_of(request), lambda seen: find_things(seen, text)
        )
    )


async def get_funds(page: Page, request: Request) -> Response:
    """GET /page/funds?account=NAME&eyes=NAME&lang=zh"""
    account, ledgers = text_of(request.query_params.get("account", "")), page.ledgers_of(request)

    def tell(seen: Any) -> tuple[dict[str, Any], str]:
        return tell_funds(seen, account), seen.reader.member

    told, reader = await ledgers.ask(page.eyes_of(request), page.words_of(request), tell)
    if ledgers.is_live:
        await asyncio.to_thread(
            note_read, ledgers, reader, read_handle("funds.balance", {"account": account or "*"}), PURPOSE
        )
    return answer(told)


async def get_sequence(page: Page, request: Request) -> Response:
    """GET /page/sequence/{height}: every message about it, exactly; or a sentence that says why not."""
    text, ledgers = request.path_params["height"], page.ledgers_of(request)
    if ledgers.is_live:
        raise Wrong(404, "of a consortium that stands not every message is kept: run a scenario in the simulator")
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise Wrong(400, "a height is a whole number from 0 on")
    return answer(await asyncio.to_thread(diagrams_of(ledgers.facts.folder).at, int(text)))


def text_of(text: str) -> str:
    """Raises Wrong 400."""
    if len(text) > TEXT_MAX or not text.isprintable():
        raise Wrong(400, f"a name has at most {TEXT_MAX} printable characters")
    return text


def note_read(ledgers: Ledgers, member: str, handle: str, purpose: str) -> None:
    """In the audit of the member's node, before it is told. Raises Wrong 503."""
    node = NodeFolder(ledgers.facts.folder, member)
    try:
        ask_door(door_path(node), "read", reader=f"{member}/page", handle=handle, purpose=purpose)
    except (DoorClosed, DoorError) as error:
        why = f"the node of {member} does not note that this is read ({error}): look with other eyes, or when it is up"
        raise Wrong(503, why, "not-audited") from None
