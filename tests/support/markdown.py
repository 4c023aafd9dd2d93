"""What a viewer makes of Markdown, and text that tries to be more than text."""

from __future__ import annotations

from html.parser import HTMLParser

from markdown_it import MarkdownIt

VIEWER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = (
    "[x](javascript:alert(1)) ![i](http://evil/x.png) <img src=x onerror=alert(1)> <script>alert(1)</script> "
    "<http://evil> [y][z] a | b ``c` &lt;b&gt; $t_1$ **d** \\\n\n# e\n[z]: http://evil"
)


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.addresses: set[str] = set()
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "src")}

    def handle_data(self, data: str) -> None:
        self.words += data


def addresses(text: str) -> set[str]:
    """Where the links and pictures of a Markdown text lead."""
    return _Reader(VIEWER.render(text)).addresses


def elements(text: str) -> set[str]:
    """The HTML elements that a Markdown text becomes."""
    return _Reader(VIEWER.render(text)).elements


def words(text: str) -> str:
    """What is read of a Markdown text, blanks and line ends alike."""
    return " ".join(_Reader(VIEWER.render(text)).words.split())
