"""The gestures of the hand: one object a gesture, one step of the history."""

from nnviz.gui.canvas.hands.gestures.base import Gesture
from nnviz.gui.canvas.hands.gestures.connect import ConnectByKeys, ConnectGesture
from nnviz.gui.canvas.hands.gestures.drop import LAYER_MIME, DropGesture
from nnviz.gui.canvas.hands.gestures.move import MoveGesture
from nnviz.gui.canvas.hands.gestures.pan import PanGesture
from nnviz.gui.canvas.hands.gestures.refused import RefusedGesture
from nnviz.gui.canvas.hands.gestures.reroute import RerouteGesture
from nnviz.gui.canvas.hands.gestures.rubber_band import RubberBandGesture

__all__ = [
    "LAYER_MIME",
    "ConnectByKeys",
    "ConnectGesture",
    "DropGesture",
    "Gesture",
    "MoveGesture",
    "PanGesture",
    "RefusedGesture",
    "RerouteGesture",
    "RubberBandGesture",
]
