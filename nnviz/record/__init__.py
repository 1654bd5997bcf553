"""What a run produced: readings, the run that holds them, its file. numpy and sqlite3 only: replays without torch."""
