"""Small widgets and helpers that every room of the window uses."""
