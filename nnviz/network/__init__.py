"""Project -> torch. No Qt."""
