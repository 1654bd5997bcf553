"""What follows from a project and what is wrong with it: shapes, memory, diagnosis and cures."""
