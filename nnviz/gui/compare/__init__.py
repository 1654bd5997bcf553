"""The page on which runs are laid side by side."""
