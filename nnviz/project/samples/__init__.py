"""The sample networks, a file a chapter. ``project.templates`` is the way in."""
