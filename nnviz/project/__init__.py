"""The document: what the user made. Knows neither torch nor Qt nor numpy."""
