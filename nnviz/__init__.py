"""nnviz: click a neural network together, train it, and watch every part of it work.

Importing this package loads neither torch nor Qt, so that ``nnviz samples`` answers at once and the window is on
the screen before torch is.
"""

__version__ = "0.1.0"
