"""How everything looks: theme, icons, colour scales, pictures made from arrays."""
