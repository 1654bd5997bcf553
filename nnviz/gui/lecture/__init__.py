"""The lecture: a page over the window for a hall, with the network, what is talked about, and one instrument."""
