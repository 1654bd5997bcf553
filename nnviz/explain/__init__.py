"""Takes the numbers of a network apart: on the network at rest, between two batches, without a trace in the training.

* :mod:`nnviz.explain.at_rest` gives a copy of a live network in which every node's module is called: hooks, torch.fx
  and attribution libraries see all of it.
* :mod:`nnviz.explain.values` gives what flows through it for an example or for the next batch, forwards and backwards.
* :mod:`nnviz.explain.explanation` is one number as a sum of terms; :mod:`nnviz.explain.layers` finds them, forwards
  and backwards; :mod:`nnviz.explain.kinds` knows how each kind of layer and of loss is taken apart, a file a family,
  and a general way for the others.
* :mod:`nnviz.explain.updates` is what the next step makes of a weight, term by term.
* :mod:`nnviz.explain.asked` takes a question as a person puts it (node, unit, position, example), of a live session, a
  project or a run; :mod:`nnviz.explain.text` writes the answer down.
* :mod:`nnviz.explain.score` is a network of one's own and a number in it; :mod:`nnviz.explain.attribution` and
  :mod:`nnviz.explain.why` say which parts of an example made it, by the ways that :mod:`nnviz.explain.methods` names;
  :mod:`nnviz.explain.unit_wishes` what excites a unit, :mod:`nnviz.explain.receptive` where it looks.

No Qt. What leaves this room is frozen numpy arrays and plain values, for any thread.
"""
