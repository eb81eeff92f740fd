"""What an author wrote can neither act nor leak: not as markup, not as a placeholder, not by turning the text around."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.render.author import html_body, html_line, one_line, plain, text_body, web_link


def elements(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every start tag with its attributes, as a browser's parser would see them."""
    found: list[tuple[str, dict[str, str | None]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, dict(attrs)))  # type: ignore[method-assign]
    parser.feed(html)
    return found


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        pytest.param("One\ntwo\n\nthree", "<p>One<br>\ntwo</p>\n<p>three</p>\n", id="lines and paragraphs"),
        pytest.param("**bold** and *not*", "<p><strong>bold</strong> and <em>not</em></p>\n", id="emphasis"),
        pytest.param("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n", id="a list"),
        pytest.param("[map](https://a.example/?x=1&y=2)", '<p><a href="https://a.example/?x=1&amp;y=2" rel="noopener noreferrer">map</a></p>\n', id="a link"),
        pytest.param("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n", id="markup is words"),
        pytest.param("{{title_html}} {{7*7}} {% x %} %s", "<p>{{title_html}} {{7*7}} {% x %} %s</p>\n", id="placeholders are words"),
        pytest.param("# not a heading", "<p># not a heading</p>\n", id="a number sign"),
        pytest.param("    indented", "<p>indented</p>\n", id="indented text is no code"),
    ],
)
def test_markdown_becomes_the_little_html_an_email_needs(markdown, expected):
    assert html_body(markdown, "ltr") == expected


@pytest.mark.parametrize(
    "markdown",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,<b>)",
        "[x](vbscript:x)",
        "<img src=x onerror=alert(1)>",
        "![x](https://a.example/x.png)",
        "<a href='https://a' onclick=x>x</a>",
        "<style>*{display:none}</style>",
        '[x](https://a.example"onmouseover=alert(1))',
    ],
)
def test_no_author_can_run_or_fetch_anything(markdown):
    found = elements(html_body(markdown, "ltr"))
    assert {tag for tag, _ in found} <= {"p", "a", "br"}
    for _, attributes in found:
        assert set(attributes) <= {"href", "rel"}
        assert attributes.get("href", "https://").startswith("https://")


@given(st.text(max_size=300))
def test_any_text_gives_html_of_allowed_tags_only(text):
    html = html_body(text, "rtl") + html_line(text, "rtl")
    assert {tag for tag, _ in elements(html)} <= {"p", "br", "strong", "em", "ul", "ol", "li", "a", "bdi"}


def test_latin_tokens_in_right_to_left_text_are_isolated():
    html = html_body("الحافلة 14 من Red Line & **Bell Square**", "rtl")
    assert '<bdi dir="ltr">14</bdi>' in html
    assert '<bdi dir="ltr">Red Line</bdi>' in html
    assert '<strong><bdi dir="ltr">Bell Square</bdi></strong>' in html
    assert "&amp;" in html
    assert "<bdi" not in html_body("Bus 14", "ltr")


def test_isolating_leaves_tags_and_entities_whole():
    html = html_body("[خريطة](https://a.example/?x=1&y=2) <b> & ©", "rtl")
    assert '<a href="https://a.example/?x=1&amp;y=2" rel="noopener noreferrer">' in html
    assert "&lt;" in html
    assert "&amp;" in html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\u202eb\u202c", "ab", id="overrides go"),
        pytest.param("a\u2067b\u2069", "a\u2067b\u2069", id="closed isolates stay"),
        pytest.param("a\u2067b\nc\u2069", "ab\nc", id="open ones go"),
        pytest.param("a\u2069\u2067b", "ab", id="so do crossed ones"),
        pytest.param("a\r\nb\rc\u2028d", "a\nb\nc\nd", id="one kind of line end"),
        pytest.param("a\n\n\n\n\nb", "a\n\nb", id="one empty line at most"),
        pytest.param("a\x00\x1b[31mb\x7f", "a[31mb", id="controls go"),
        pytest.param("  a  \n b ", "a\n b", id="ends are trimmed"),
        pytest.param("مرحبا\u200f!", "مرحبا\u200f!", id="direction marks stay"),
    ],
)
def test_text_is_calmed(text, expected):
    assert plain(text) == expected


def test_a_subject_is_one_short_line():
    assert one_line("a\r\nBcc: everybody@example.org") == "a Bcc: everybody@example.org"
    assert one_line("x" * 10_000) == "x" * 147 + "..."
    assert one_line("👩‍👩‍👧" * 100).removesuffix("...").endswith("👧")


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://a.example/x?y=1", "https://a.example/x?y=1"),
        ("HTTP://a.example", "HTTP://a.example"),
        ("javascript:alert(1)", None),
        ("https://a.example/ x", None),
        ('https://a.example/"><script>', None),
        ("//a.example", None),
        ("", None),
        (None, None),
    ],
)
def test_only_a_web_link_is_a_link(link, expected):
    assert web_link(link) == expected


WORDS = {
    "emphasis loses its marks": ("Allow **20 minutes** *more*", "Allow 20 minutes more"),
    "bullets become lines": ("Note\n\n* one\n* two\n\nBye", "Note\n\n- one\n- two\n\nBye"),
    "numbers stay": ("3. three\n4. four", "3. three\n4. four"),
    "nested lists are indented": ("* one\n  * half", "- one\n  - half"),
    "a link keeps its address": ("See [the map](https://x.example/m)", "See the map (https://x.example/m)"),
    "an address that is its own words is said once": ("See <https://x.example/m>", "See https://x.example/m"),
    "line ends of a feed stay": ("Stops closed:\nA, B\nUse: C", "Stops closed:\nA, B\nUse: C"),
    "what only looks like marks stays": ("2 * 3 * 4, snake_case, 5*6, \\*not\\*", "2 * 3 * 4, snake_case, 5*6, *not*"),
    "nothing stays nothing": ("", ""),
}


@pytest.mark.parametrize(("markdown", "words"), WORDS.values(), ids=WORDS.keys())
def test_a_text_message_carries_words_and_no_markdown(markdown: str, words: str) -> None:
    assert text_body(markdown) == words
