"""The instruments: one file each; every one says what it shows and how to read it. ``catalogue.PANELS`` holds them all.

Nothing is imported here: pyqtgraph, which the plots bring, takes longer to import than all that the window needs.
"""
