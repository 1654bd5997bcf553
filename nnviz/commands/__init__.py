"""The command line: a file a command, the same code paths as the window, printed.

* :mod:`nnviz.commands.parser` is all that can be typed, with its help; it loads nothing that a command needs.
* :mod:`nnviz.commands.given_project` opens what a command is about and makes the choices that were typed behind it.
* The others are a command each, or a family: options from the parsed line, and a function that returns the exit
  status. ``samples``, ``datasets``, ``summary`` and those about kept runs answer without torch.

Known to nobody but the entry point, :mod:`nnviz.cli`.
"""
