"""The live session and the runs as the window sees them: bridge to the training thread, feed, recording."""
