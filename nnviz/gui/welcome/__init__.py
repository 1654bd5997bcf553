"""The page of samples and recent files that a new window begins with."""
