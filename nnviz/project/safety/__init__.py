"""What keeps work from being lost: autosave, recovery after a crash, and who else has a file open."""
