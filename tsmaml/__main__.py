"""``python -m tsmaml``: the command line."""

from __future__ import annotations

from tsmaml.cli import main

if __name__ == "__main__":
    main()
