"""Text that somebody has written is shown as the letters it is, wherever Qt would look for HTML in it.

A label or a tooltip in which Qt finds a tag is laid out as HTML, and a picture named there is opened at once, without
any bound and whatever lies in its place: the name of a project could make the window wait for ever at a pipe.
"""

from __future__ import annotations

import html


def plain_tip(text: str) -> str:
    """A text that somebody has written, for a tooltip, which has no switch for plain text."""
    if "<" not in text and "&" not in text:
        return text
    return f"<p style='white-space:pre-wrap'>{html.escape(text)}</p>"
