"""``python -m nnviz`` is the same as ``nnviz``."""

from __future__ import annotations

from nnviz.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
