"""What explanations look like: views of a sum, a window on a picture, a curve; the panels and pages put them together.

No torch: every number comes from :mod:`nnviz.explain` by way of the workspace's ``network``.
"""
