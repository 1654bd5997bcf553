"""The page on which all examples are seen: a wall of them, one in numbers, how they are spread, and maps."""
