"""Geometry of the drawing without Qt: layout, placing, aligning, frames."""
