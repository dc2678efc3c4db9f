"""A document as one HTML file that needs nothing else: readable on a phone, on paper and by a screen reader."""

from __future__ import annotations

import html
import json
from importlib import resources
from string import Template

from impact.report.document import Document, Heading, Node, pandoc, raw, tree
from impact.report.exhibits import Block, numeric_columns


def to_html(document: Document) -> bytes:
    """The HTML file."""
    pictures: dict[str, str] = {}
    chapters = []

    def place(block: Block) -> list[Node]:
        if block["kind"] == "table":
            return [raw("html", _table(document, block))]
        pictures[block["key"]] = block["png"]
        return [raw("html", _figure(document, block))]

    for part in document.parts:
        start = raw("html", f'<section class="chapter" aria-labelledby="{part.headings[0].anchor}">')
        chapters += [start, *document.nodes(part, place, shift=1), raw("html", "</section>")]
    body = pandoc(tree(chapters), "-f", "json", "-t", "html5", "--mathml", "--wrap=none").decode("utf-8")
    for key, picture in pictures.items():
        body = body.replace(f'src="figure:{key}"', f'src="data:image/png;base64,{picture}"')
    templates = resources.files("impact.report") / "templates"
    style = (templates / "report.css").read_text(encoding="utf-8")
    banner = html.escape(document.banner)
    return (
        Template((templates / "report.html").read_text(encoding="utf-8"))
        .substitute(
            title=html.escape(document.title),
            subtitle=f'<p class="subtitle">{html.escape(document.subtitle)}</p>' if document.subtitle else "",
            banner=f'<aside class="banner" aria-label="Notice"><p>{banner}</p></aside>' if banner else "",
            style=Template(style).substitute(banner=_css_string(document.banner)),
            contents=_contents(document),
            body=body,
        )
        .encode("utf-8")
    )


def _contents(document: Document) -> str:
    chapters = "\n".join(_chapter(part.headings) for part in document.parts)
    lists = [f"<h2>Contents</h2>\n<ol>\n{chapters}\n</ol>"]
    for kind, title in (("table", "Tables"), ("figure", "Figures")):
        found = document.exhibits(kind)
        if found:
            rows = "\n".join(f"<li>{_link(anchor, f'{label}: {caption}')}</li>" for label, caption, anchor in found)
            lists.append(f"<details>\n<summary>{title} ({len(found)})</summary>\n<ol>\n{rows}\n</ol>\n</details>")
    return "\n".join(lists)


def _chapter(headings: tuple[Heading, ...]) -> str:
    first, *others = [(h, _link(h.anchor, f"{h.number} {h.text}")) for h in headings if h.level <= 2]
    sections = "".join(f"<li>{entry}</li>" for _, entry in others)
    return f"<li>{first[1]}{f'<ol>{sections}</ol>' if sections else ''}</li>"


def _link(anchor: str, text: str) -> str:
    return f'<a href="#{anchor}">{html.escape(text)}</a>'


def _figure(document: Document, block: Block) -> str:
    caption, alt = html.escape(document.caption(block)), html.escape(document.plain(block["alt"]), quote=True)
    return (
        f'<figure id="exhibit-{block["key"]}">\n<img src="figure:{block["key"]}" alt="{alt}">\n'
        f"<figcaption>{caption}</figcaption>\n</figure>"
    )


def _table(document: Document, block: Block) -> str:
    sides = ["n" if numeric else "" for numeric in numeric_columns(block)]

    def cell(tag: str, text: str, side: str, scope: str = "") -> str:
        attributes = (f' scope="{scope}"' if scope else "") + (f' class="{side}"' if side else "")
        return f"<{tag}{attributes}>{html.escape(document.plain(text))}</{tag}>"

    head = "".join(cell("th", text, side, "col") for text, side in zip(block["columns"], sides, strict=True))
    rows = []
    for row in block["rows"]:
        rest = "".join(cell("td", text, side) for text, side in zip(row[1:], sides[1:], strict=True))
        rows.append(f"<tr>{cell('th', row[0], '', 'row')}{rest}</tr>")
    caption, anchor = html.escape(document.caption(block)), f"exhibit-{block['key']}"
    return (
        f'<div class="table" role="region" tabindex="0" aria-labelledby="{anchor}-caption">\n<table id="{anchor}">\n'
        f'<caption id="{anchor}-caption"><span>{caption}</span></caption>\n<thead>\n<tr>{head}</tr>\n</thead>\n'
        "<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>\n</div>"
    )


def _css_string(text: str) -> str:
    """Text as a string of CSS."""
    return json.dumps(text, ensure_ascii=False).replace("<", "\\3c ")
