"""Where examples come from: declarations without torch, sources, division, preparation, feeding, downloading."""
