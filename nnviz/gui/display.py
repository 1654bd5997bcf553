"""Whether a window can be shown here at all, asked before Qt is: without a display Qt ends the process with an abort.

Standard library only, so that it can be asked where Qt is not installed yet (``scripts/run.py``).
"""

from __future__ import annotations

import ctypes
import os
import re
import socket
import sys

#: Qt's platforms that need somebody who shows windows; the others, such as offscreen, do without.
_WAYLAND, _X11 = ("wayland", "wayland-egl"), ("xcb",)
NO_DISPLAY = (
    "There is no display to open a window on. Without one: nnviz train PROJECT, nnviz summary PROJECT and "
    "nnviz screenshot PROJECT --out FILE.png."
)


def platforms() -> tuple[str, ...]:
    """The platforms of Qt that can be tried here, the likeliest first; empty where there is no display.

    On Windows and macOS there always is one: then this is ``("native",)``.
    """
    if sys.platform in ("win32", "darwin", "cygwin"):
        return ("native",)
    asked = [name.partition(":")[0] for name in os.environ.get("QT_QPA_PLATFORM", "").split(";")]
    wanted = [name for name in asked if name] or [_WAYLAND[0], *_X11]
    there = {**dict.fromkeys(_WAYLAND, _wayland_answers), **dict.fromkeys(_X11, _x11_answers)}
    return tuple(name for name in wanted if name not in there or there[name]())


def has_display() -> bool:
    """Whether a window can be shown, as far as is known without Qt."""
    return bool(platforms())


def _wayland_answers() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY", "")
    if not name:
        return False
    path = os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), name)  # noqa: PTH118 - an absolute name takes its place
    return _connects(path)


def _x11_answers() -> bool:
    display = os.environ.get("DISPLAY", "")
    if not display:
        return False
    answer = _asked_by_xcb()
    if answer is not None:
        return answer
    local = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
    if local is None:
        return True  # a display of another machine, and no library to ask it with: let Qt try
    path = f"/tmp/.X11-unix/X{local.group(1)}"  # noqa: S108 - where X servers listen, fixed by X itself
    return any(_connects(address) for address in (path, f"\0{path}"))  # the file, and Linux's abstract name for it


def _asked_by_xcb() -> bool | None:
    """Whether the library that Qt asks gets a connection, which also proves the right to it; None without it."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
        xcb.xcb_connect.restype = ctypes.c_void_p
        xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    except (OSError, AttributeError):
        return None
    connection = xcb.xcb_connect(None, None)
    error = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not error


def _connects(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(address)
        except (OSError, ValueError):
            return False
    return True
