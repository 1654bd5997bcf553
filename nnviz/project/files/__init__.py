"""Projects as bytes: JSON read within bounds, migrated, checked, and written whole or not at all; the clipboard."""
