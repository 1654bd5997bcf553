"""What mouse and keys do on the canvas: gestures, quick add, notes, groups."""
