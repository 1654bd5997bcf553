"""What stands on a card can be read from the back of the hall, however small the card is on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from canvas_hands import Hands
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QApplication

from nnviz.gui.canvas.cards import card_painter, card_pictures
from nnviz.gui.canvas.cards.card_painter import CardReadings, old_picture_mark, paint_card
from nnviz.gui.canvas.cards.card_places import card_places
from nnviz.gui.canvas.cards.card_text import CLOSEST, HEADER_WIDTH, far_title, header_rows, letters_at, text_width
from nnviz.gui.canvas.cards.facts import CardFacts, Picture, Status
from nnviz.gui.canvas.cards.shape_glyph import paint_shape
from nnviz.gui.canvas.geometry import CARD_MARGIN, CARD_WIDTH, PORT_RADIUS_HOT, Level, Side, port_position
from nnviz.gui.canvas.items import stage
from nnviz.gui.look import theme
from nnviz.project import registry
from nnviz.project.samples import templates
from nnviz.record.quantities import DEAD_FRACTION
from nnviz.record.readings import ArrayReading

ZOOMS = (0.35, 0.4, 0.45, 0.5, 0.55, 0.65, 0.75, 0.85, 0.93, 0.96, 1.0, 1.3, 1.7, 2.0)
LONG = (512, 112, 112)


class Words:
    """Keeps what painters write and how large it is on the screen."""

    def __init__(self) -> None:
        self.written: list[tuple[str, float]] = []

    def painter(self) -> type[QPainter]:
        """A painter that tells."""
        written = self.written

        class Telling(QPainter):
            def drawText(self, *args: Any) -> Any:  # noqa: N802 - Qt's name
                text = next(arg for arg in reversed(args) if isinstance(arg, str))
                written.append((text, self.font().pixelSize() * self.worldTransform().m11()))
                return super().drawText(*args)

        return Telling


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Iterator[Words]:
    told = Words()
    monkeypatch.setattr(stage, "QPainter", told.painter())
    monkeypatch.setattr(card_pictures, "QPainter", told.painter())
    yield told


def card(kind: str = "conv2d", shape: tuple[int, ...] = (16, 26, 26), **more: object) -> CardFacts:
    spec = registry.layer(kind)
    text = "×".join(map(str, shape))
    picture = Picture.TILES if len(shape) == 3 else Picture.STRIP
    values: dict[str, object] = {
        "node": "n", "kind": kind, "title": spec.title, "subtitle": text, "family": spec.family, "picture": picture,
        "shape": shape, "parameters": 160, "has_parameters": True, "status": Status.NONE, "note": "",
        "input_ports": 1, "output_ports": 1, "signed": False,
    }  # fmt: skip
    return CardFacts(**{**values, **more})  # type: ignore[arg-type]  # plain test values


@pytest.mark.parametrize("kind", sorted(registry.layers()))
def test_no_title_is_cut_beside_a_long_shape(qapp: QApplication, kind: str) -> None:
    shown = card(kind, LONG)
    places = card_places(shown, 1.0)
    said = [row.title for row, _ in places.header if row.title]
    assert "".join(said).replace(" ", "") == shown.title.replace(" ", "")
    assert [row.shape for row, _ in places.header if row.shape] == ["512×112×112"]
    for row, place in places.header:
        wide = text_width(row.title, 13, 600) + text_width(row.shape, 12, 400)
        assert row.squeeze >= CLOSEST and wide * row.squeeze <= HEADER_WIDTH + 0.5
        assert places.picture is not None and place.bottom() <= places.picture.top()
    assert places.picture is not None and places.picture.height() > 0.6 * shown.layout.picture.height()


@pytest.mark.parametrize("zoom", [zoom for zoom in ZOOMS if zoom >= 0.45])
def test_the_clock_of_an_old_picture_covers_nothing(qapp: QApplication, zoom: float) -> None:
    """Neither picture nor words nor ports, whatever is pictured; and it is whole in the card's own pixels."""
    others = [
        card("output", (10,), picture=Picture.BARS, subtitle="cross-entropy"),
        card("relu", (64,), status=Status.BADGE, badge=DEAD_FRACTION),
        card("dropout", (64,), status=Status.NOTE, note="p 0.2"),
    ]
    kinds = sorted(registry.layers())
    for shown in [*others, *(card(kind, LONG) for kind in kinds), *(card(kind, (10,)) for kind in kinds)]:
        rect, places = shown.layout.rect, card_places(shown, zoom)
        mark = old_picture_mark(rect, places.letters)
        assert places.picture is None or not mark.intersects(places.picture)
        for row, place in places.header:
            size = 13 if row.title and places.letters == 12 else places.letters
            wide = sum(text_width(text, size, 600) for text in (row.title, row.name, row.shape)) * row.squeeze
            right = place.right() if row.shape and (row.title or row.name) else min(place.left() + wide, place.right())
            assert not mark.intersects(QRectF(place.left(), place.top(), right - place.left(), place.height()))
        for side in Side:
            port = port_position((rect.left(), rect.top(), rect.height()), side)
            reach = 2 * PORT_RADIUS_HOT
            around = QRectF(port.x() - reach / 2, port.y() - reach / 2, reach, reach)
            assert not mark.intersects(around)
        assert rect.adjusted(-CARD_MARGIN, -CARD_MARGIN, CARD_MARGIN, CARD_MARGIN).contains(mark)


@pytest.mark.parametrize("zoom", [zoom for zoom in ZOOMS if zoom >= 0.45])
def test_the_clock_of_an_old_share_covers_no_word(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, zoom: float
) -> None:
    shown = card("relu", status=Status.BADGE, badge=DEAD_FRACTION, has_parameters=False)
    places = card_places(shown, zoom)
    marks: list[float] = []
    monkeypatch.setattr(card_painter, "paint_age_mark", lambda painter, place, *more: marks.append(place.x()))
    told: list[str] = []

    class Telling(QPainter):
        def drawText(self, *args: Any) -> Any:  # noqa: N802 - Qt's name
            told.append(next(arg for arg in reversed(args) if isinstance(arg, str)))
            return super().drawText(*args)

    pixmap = QPixmap(200, 200)
    painter = Telling(pixmap)
    paint_card(painter, shown, places, CardReadings(badge=0.5, old=frozenset({"badge"})), None, theme.DARK)
    painter.end()
    word = next((text for text in told if text == "dead"), "")
    if places.status is not None:
        assert "50 %" in told and word == "dead"
        (mark,) = marks
        assert places.status.left() + text_width(word, places.letters, 400) * CLOSEST <= mark


@pytest.mark.parametrize("hands", [templates.sample(name) for name in ("digits-cnn", "resnet18")], indirect=True)
def test_nothing_on_a_card_is_smaller_than_can_be_read(hands: Hands, words: Words) -> None:
    for zoom in ZOOMS:
        words.written.clear()
        hands.view.camera.set_zoom(zoom)
        hands.view.camera.look_at(hands.view.camera.content_rect().center())
        hands.view.grab()
        assert words.written, zoom
        small = {text: size for text, size in words.written if size < 11.5 * hands.view.devicePixelRatioF()}
        assert not small, (zoom, small)


@pytest.mark.parametrize("zoom", [0.45, 0.5, 0.65, 0.85, 1.0, 2.0])
@pytest.mark.parametrize("loss", ["cross_entropy", "bce_logits"])
def test_class_bars_name_what_can_be_read(qapp: QApplication, words: Words, zoom: float, loss: str) -> None:
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    count = 10 if loss == "cross_entropy" else 1
    task = "classes" if count == 10 else "binary"
    shown = card(
        "output", (count,), picture=Picture.BARS, has_parameters=False, class_names=names, loss=loss, task=task
    )
    places = card_places(shown, zoom)
    assert places.picture is not None
    values = np.linspace(-2.0, 2.0, count, dtype=np.float32)
    size = (places.picture.size() * zoom).toSize()
    card_pictures.paint_picture(
        shown, ArrayReading("output/n", 0, values), size, zoom, Level.NORMAL, theme.DARK, "", letters=places.letters
    )
    said = [text for text, _ in words.written]
    assert min(pixels for _, pixels in words.written) >= 11.5
    if count == 10:
        assert "nine" in said and any("%" in text for text in said)
        assert ("zero" in said) is (zoom >= 0.96)


def test_from_farther_away_the_picture_and_the_share_outlive_the_small_print(qapp: QApplication) -> None:
    conv, relu = card(), card("relu", status=Status.BADGE, badge=DEAD_FRACTION, has_parameters=False)
    near, far = card_places(conv, 1.0), card_places(conv, 0.65)
    assert near.figures is not None and far.figures is None and far.gradient_bar is not None
    assert [row.shape for row, _ in far.header] == ["", "16×26×26"]
    assert card_places(relu, 0.65).status is not None
    low = card("relu", (64,), status=Status.BADGE, badge=DEAD_FRACTION, has_parameters=False)
    closest = card_places(low, 0.46)
    assert closest.status is None and closest.share_bar is not None and closest.picture is not None
    group = card("conv2d", (64, 56, 56), status=Status.NOTE, note="4 layers", members=("a", "b"))
    assert card_places(group, 0.65).status is not None
    far = card_places(group, 0.5)
    assert far.status is None and far.picture is not None
    assert far.picture.height() > 0.8 * group.layout.picture.height()
    noted = card_places(card("dropout", (64,), status=Status.NOTE, note="p 0.2", has_parameters=False), 0.46)
    assert noted.status is None and noted.share_bar is None


@pytest.mark.parametrize("zoom", [0.45, 0.5, 0.57, 0.65, 0.75, 0.85, 0.95, 1.0])
def test_nothing_on_a_card_lies_on_anything_else(qapp: QApplication, zoom: float) -> None:
    for kind in registry.layers():
        for shape in (LONG, (64,)):
            for status in Status:
                for parameters in (True, False):
                    shown = card(kind, shape, status=status, has_parameters=parameters)
                    places = card_places(shown, zoom)
                    parts = [place for _, place in places.header]
                    below = (places.picture, places.gradient_bar, places.figures, places.status, places.share_bar)
                    parts += [place for place in below if place is not None]
                    assert all(above.bottom() <= under.top() + 1e-6 for above, under in pairwise(parts))
                    assert shown.layout.rect.contains(parts[-1]), (kind, shape, status)


@pytest.mark.parametrize("height", [72.0, 138.0])
@pytest.mark.parametrize("zoom", [0.36, 0.4, 0.44])
def test_titles_from_far_are_rather_cut_than_small(qapp: QApplication, height: float, zoom: float) -> None:
    for spec in registry.layers().values():
        lines, size = far_title(spec.title, letters_at(zoom), height)
        assert size * zoom >= 11.5
        assert all(text_width(line, size, 600) <= CARD_WIDTH for line in lines)
        assert size * len(lines) <= height


@pytest.mark.parametrize("share", [None, 0.22])
@pytest.mark.parametrize("zoom", [0.5, 0.65, 1.0])
def test_a_rectifier_says_what_its_share_is_of(
    qapp: QApplication, words: Words, share: float | None, zoom: float
) -> None:
    shown = card("relu", status=Status.BADGE, badge=DEAD_FRACTION, has_parameters=False)
    face = stage.card_pixmap(shown.layout.height, zoom)
    painter = stage.card_canvas(face, zoom)
    paint_card(painter, shown, card_places(shown, zoom), CardReadings(badge=share), None, theme.DARK)
    painter.end()
    said = [text for text, _ in words.written]
    assert "dead" in said and ("22 %" in said) is (share is not None)


@pytest.mark.parametrize("height", [92.0, 40.0, 26.0])
def test_sheets_stay_sheets_in_a_low_picture(qapp: QApplication, height: float) -> None:
    canvas = QPixmap(140, 100)
    canvas.fill(theme.DARK.plot_background)
    painter = QPainter(canvas)
    paint_shape(painter, QRectF(0.0, 0.0, 136.0, height), (512, 14, 14), theme.DARK.accent, theme.DARK)
    painter.end()
    image, ground = canvas.toImage(), theme.DARK.plot_background.rgb()
    rows = [y for y in range(100) if any(image.pixel(x, y) != ground for x in range(140))]
    assert rows[-1] < height and len(rows) > 0.5 * height
    # The sheet in front is an area, not a line.
    across = [x for x in range(140) if image.pixel(x, rows[-1] - round(0.1 * height)) != ground]
    assert len(across) > 0.14 * height


def test_titles_from_beyond_reading_are_whole(qapp: QApplication) -> None:
    for spec in registry.layers().values():
        lines, _ = far_title(spec.title, letters_at(0.25), 72.0)
        assert "…" not in "".join(lines)


def test_a_long_name_takes_two_rows_before_it_is_cut(qapp: QApplication) -> None:
    rows = header_rows("Second large convolution", "64×7×7", 12, 3, 2)
    assert [row.title for row in rows] == ["Second large", "convolution"]
    assert rows[1].shape == "64×7×7"
    cut = header_rows("Unbreakableandfartoolongforacard", "64×7×7", 12, 2, 2)
    assert cut[0].title.endswith("…") and cut[1].shape == "64×7×7"


@pytest.mark.parametrize("zoom", [0.5, 0.65, 0.7, 0.75, 0.87, 1.0, 1.6])
def test_cards_say_the_name_that_findings_use(qapp: QApplication, zoom: float) -> None:
    for kind, node, shape in (
        ("relu", "relu3", (16, 26, 26)),
        ("linear", "linear1", (64,)),
        ("conv2d", "conv12", LONG),
    ):
        places = card_places(card(kind, shape, node=node), zoom)
        names = [row.name for row, _ in places.header]
        titles = [row.title for row, _ in places.header if row.title]
        # Where there is no room for both, the name says more than the kind, whose colour the card has.
        assert titles == ([registry.layer(kind).title] if node in names else [node])
        for row, _ in places.header:
            letters, gaps = places.letters, bool(row.title and row.name) + bool(row.shape and row.name)
            title = text_width(row.title, max(13, letters), 600)
            wide = title + text_width(row.name, letters, 400) + text_width(row.shape, letters, 400)
            assert not row.name or wide * row.squeeze + 4.0 * gaps <= HEADER_WIDTH + 1.0
    twice = card_places(card("input", (64,), node="input"), 1.0)
    assert not any(row.name for row, _ in twice.header)


@pytest.mark.parametrize("hands", [templates.sample("digits-cnn")], indirect=True)
def test_cards_stand_beside_the_switches_where_they_are_larger_there_than_below(hands: Hands) -> None:
    view, camera = hands.view, hands.view.camera
    view.resize(720, 330)
    for width, beside in ((240, True), (560, False)):
        corner = QSize(width, 90)
        camera.set_inset(60)
        camera.set_corner(corner)
        camera.fit()
        covered = QRectF(view.viewport().width() - width, 0, width, corner.height())
        cards = view.canvas_scene.cards.values()
        places = [view.mapFromScene(card.card_rect()).boundingRect() for card in cards]
        assert not [one for one in places if covered.intersects(QRectF(one))]
        tops = min(one.top() for one in places)
        assert tops >= 60 and (tops < corner.height()) is beside
