"""Questions and changes about the wiring: wires, columns, groups, bypassed nodes."""
