"""Where examples come from: declarations without torch, loaders, division, scaling, feeding, downloading."""
