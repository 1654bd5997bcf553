"""Where the keyboard stands on a sheet: in one of its zones, on one of the spots that lead somewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nnviz.gui.explain.ink import Spot

#: The zone in which the arrow keys slide, instead of going from spot to spot.
MAP = "map"


class SpotCursor:
    """Goes from zone to zone, and within a zone to the nearest spot in a direction.

    Args:
        spots: What can be pointed at, as it is painted.

    Attributes:
        shown: The keyboard was used last: its cursor is shown.
        zone: In which zone it stands.
    """

    def __init__(self, spots: Callable[[], Sequence[Spot]]) -> None:
        self._spots = spots
        self.zone, self._at = MAP, 0
        self.shown = False

    def _zones(self) -> list[str]:
        return list(dict.fromkeys(spot.zone for spot in self._spots() if spot.leads))

    def _in_zone(self) -> list[Spot]:
        return [spot for spot in self._spots() if spot.leads and spot.zone == self.zone]

    @property
    def spot(self) -> Spot | None:
        """What is under it."""
        spots = self._in_zone()
        return spots[min(self._at, len(spots) - 1)] if spots else None

    @property
    def on_map(self) -> bool:
        """Whether the arrow keys slide: it stands on the map, or nowhere."""
        return self.zone == MAP or self.zone not in self._zones()

    def take(self, spot: Spot) -> None:
        """Stand on a spot, which was pressed."""
        self.zone = spot.zone
        self._at = self._in_zone().index(spot)

    def go_to_map(self) -> None:
        """Have the arrow keys slide, whatever was pressed before."""
        self.zone, self._at = MAP, 0

    def settle(self) -> None:
        """Stand somewhere: where its zone is not there any more, on the map or in the first one that is."""
        zones = self._zones()
        if self.zone not in zones:
            self.zone, self._at = (MAP if MAP in zones else next(iter(zones), MAP)), 0

    def go(self, down: int, across: int) -> bool:
        """Go to the nearest spot of the zone in a direction; false where there is none."""
        spots = self._in_zone()
        here = self.spot
        if here is None:
            return False
        centre = here.rect.center()

        def along(spot: Spot) -> float:
            way = spot.rect.center() - centre
            return way.x() * across + way.y() * down

        def aside(spot: Spot) -> float:
            way = spot.rect.center() - centre
            return abs(way.x() * down) + abs(way.y() * across)

        ahead = [spot for spot in spots if along(spot) > 1]
        if ahead:
            best = min(ahead, key=lambda spot: along(spot) + 3 * aside(spot))
            self._at = spots.index(best)
        return bool(ahead)

    def go_to_next_zone(self, forward: bool) -> bool:
        """Go to the zone behind or before; false at the end."""
        zones = self._zones()
        at = zones.index(self.zone) if self.zone in zones else -1
        after = at + (1 if forward else -1)
        if not 0 <= after < len(zones):
            return False
        self.zone, self._at, self.shown = zones[after], 0, True
        return True
