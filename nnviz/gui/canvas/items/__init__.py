"""The things in the scene: cards, wires, notes, frames, arrows, also as seen from far."""
