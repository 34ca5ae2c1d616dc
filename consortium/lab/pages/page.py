"""The kit that pages are made of: one HTML file each, which opens offline.

The HTML and the style sheet lie in the folder `templates`; Jinja2 escapes every value that is put into them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from consortium.lab.figures.paper import Picture, draw_svg


@cache
def _templates() -> Environment:
    return Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined)


def render(template: str, **values: object) -> Markup:
    """The HTML of a template of this folder. Every value is text and is escaped, unless it is Markup."""
    return Markup(_templates().get_template(f"{template}.html").render(values).rstrip("\n"))


def page(title: str, parts: Sequence[str]) -> str:
    """Needs no network, no script, no other file. `title` is text, `parts` are HTML; empty ones are left out."""
    return str(render("page", title=title, parts=[Markup(part) for part in parts if part])) + "\n"


def joined(*parts: Markup) -> Markup:
    """Pieces of HTML, one after the other."""
    return Markup("").join(parts)


def heading(text: str) -> Markup:
    return Markup("<h2>{}</h2>").format(text)


def paragraph(text: str, *, is_note: bool = False) -> Markup:
    return Markup('<p class="note">{}</p>' if is_note else "<p>{}</p>").format(text)


def figure(picture: Picture) -> Markup:
    return svg_figure(draw_svg(picture), picture.alt, picture.caption)


def svg_figure(svg: str, alt: str, caption: str) -> Markup:
    """A picture in the page itself. `alt`: for those who do not see it."""
    return render("figure", data=base64.b64encode(svg.encode()).decode(), alt=alt, caption=caption)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> Markup:
    """`numbers`: indexes of the columns to align to the right. Cells are text."""
    return render("table", head=head, rows=rows, numbers=numbers)
