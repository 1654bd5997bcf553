"""Notes and arrows by hand: written, moved, resized, pointed, coloured, copied, grouped, removed and found again."""

from __future__ import annotations

from pathlib import Path

import pytest
from canvas_hands import Hands, chain
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QTextCursor, QTextFormat
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot
from window_hands import Person
from window_kit import OpenWindow

from nnviz.gui.canvas.cards.describe import tooltip
from nnviz.gui.canvas.geometry import FAR_ZOOM
from nnviz.gui.canvas.hands.note_editor import NoteEditor
from nnviz.gui.canvas.items.note_item import NoteItem, paper, tone
from nnviz.gui.canvas.items.note_text import fitting_height, laid_out, note_title, plain_text
from nnviz.gui.canvas.view import CanvasView
from nnviz.gui.look import theme
from nnviz.gui.window.command_entries import all_entries
from nnviz.project.document import Document
from nnviz.project.edits import Annotate, Regroup
from nnviz.project.files import io
from nnviz.project.group_edits import LARGEST_NOTE
from nnviz.project.model import NOTE_COLOURS, Arrow, Group, Note, Project
from nnviz.project.samples import templates

CONTROL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
ROW = chain("input", "flatten", "linear", "relu", input={"shape": (1, 8, 8)})
WORDS = "Read this first: it says what the network does."
#: Its paper is just as high as its text.
NOTE = Note("note1", WORDS, 0.0, 200.0, 220.0, 56.0)
ARROW = Arrow("arrow1", 300.0, 300.0, 120.0, 40.0)


def with_items(*items: Note | Arrow, project: Project = ROW) -> Project:
    notes = {item.id: item for item in items if isinstance(item, Note)}
    arrows = {item.id: item for item in items if isinstance(item, Arrow)}
    return replace(project, graph=replace(project.graph, notes=notes, arrows=arrows))


NOTED = with_items(NOTE, ARROW)
hands_on = pytest.mark.parametrize


def note_at(hands: Hands, note: str = "note1", across: float = 0.5, down: float = 0.5) -> QPoint:
    rect = hands.view.canvas_scene.annotations.notes[note].card_rect()
    return hands.place(QPointF(rect.left() + across * rect.width(), rect.top() + down * rect.height()))


def middle_of(hands: Hands, arrow: str = "arrow1") -> QPoint:
    tail, tip = hands.view.canvas_scene.annotations.arrows[arrow].ends
    return hands.place((tail + tip) / 2)


def editor_of(hands: Hands) -> NoteEditor:
    editor = hands.view.notes.editor
    assert editor is not None
    return editor


def entries_of(menu: QMenu) -> dict[str, QMenu | None]:
    return {action.text().partition("\t")[0]: action.menu() for action in menu.actions()}  # type: ignore[misc]  # a QMenu


# ---- writing


@hands_on("hands", [ROW], indirect=True)
def test_a_note_is_written_where_the_mouse_is(hands: Hands) -> None:
    spot = hands.place(QPointF(100.0, 230.0))
    hands.drag_to(spot)
    hands.view.notes.add()
    editor = editor_of(hands)
    assert editor.hasFocus()
    assert editor.geometry().topLeft() == spot
    hands.type("Hello there")
    assert not hands.graph.notes
    QTest.keyClick(editor, Qt.Key.Key_Return)
    hands.type("second line")
    QTest.keyClick(editor, Qt.Key.Key_Return, CONTROL)
    note = hands.graph.notes["note1"]
    assert (note.text, note.x, note.y) == ("Hello there\nsecond line", 100.0, 230.0)
    assert note.height == fitting_height(note.text, note.width)
    assert hands.view.notes.editor is None
    assert hands.view.selected == ("note1",)
    assert hands.view.hasFocus()
    assert hands.document.undo_title == "Add note"
    hands.document.undo()
    assert hands.graph == ROW.graph
    hands.document.redo()
    assert hands.graph.notes == {"note1": note}


@hands_on("hands", [ROW], indirect=True)
@hands_on("ending", ["escape", "nothing", "blanks"])
def test_a_new_note_without_words_vanishes(hands: Hands, ending: str) -> None:
    hands.view.notes.add(QPointF(100.0, 230.0))
    editor = editor_of(hands)
    if ending == "escape":
        hands.type("never mind")
        QTest.keyClick(editor, Qt.Key.Key_Escape)
    else:
        hands.type("" if ending == "nothing" else "   ")
        QTest.keyClick(editor, Qt.Key.Key_Return, CONTROL)
    assert hands.graph == ROW.graph
    assert not hands.document.can_undo
    assert not hands.view.canvas_scene.annotations.items
    assert hands.view.hasFocus()


@hands_on("hands", [ROW], indirect=True)
def test_a_click_elsewhere_takes_the_text(hands: Hands) -> None:
    hands.view.notes.add(QPointF(100.0, 230.0))
    hands.type("kept")
    hands.click(hands.card("relu"))
    assert hands.graph.notes["note1"].text == "kept"
    assert hands.view.selected == ("relu",)


@hands_on("hands", [NOTED], indirect=True)
@hands_on("way", ["double click", "F2", "Enter", "menu"])
def test_every_way_into_the_text(hands: Hands, way: str) -> None:
    if way == "double click":
        hands.click(note_at(hands))
        QTest.mouseDClick(hands.view.viewport(), Qt.MouseButton.LeftButton, pos=note_at(hands))
    else:
        hands.click(note_at(hands))
        assert hands.view.selected == ("note1",)
        if way == "menu":
            menu = hands.view.menus.at(hands.view.mapToScene(note_at(hands)))
            menu.popup(hands.view.mapToGlobal(QPoint(10, 10)))
            entry = next(action for action in menu.actions() if action.text().startswith("Edit text"))
            QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(entry).center())
        else:
            hands.key(Qt.Key.Key_F2 if way == "F2" else Qt.Key.Key_Return)
    editor = editor_of(hands)
    assert editor.toPlainText() == WORDS
    assert editor.verticalScrollBar().value() == 0
    hands.type(" More.")
    assert editor.toPlainText() == f"{WORDS} More."
    QTest.keyClick(editor, Qt.Key.Key_A, CONTROL)
    hands.type("Short.")
    QTest.keyClick(editor, Qt.Key.Key_Return, CONTROL)
    note = hands.graph.notes["note1"]
    assert note.text == "Short."
    assert note.height == fitting_height("Short.", 220.0) < NOTE.height
    assert hands.document.undo_title == "Edit note"
    hands.document.undo()
    assert hands.graph == NOTED.graph


@hands_on("hands", [NOTED], indirect=True)
def test_paper_grows_with_its_text_and_large_paper_stays_large(hands: Hands) -> None:
    hands.document.apply(Annotate({"note1": replace(NOTE, height=300.0)}))
    hands.view.select(["note1"])
    hands.view.notes.edit(["note1"])
    QTest.keyClick(editor_of(hands), Qt.Key.Key_A, CONTROL)
    hands.type("Short.")
    QTest.keyClick(editor_of(hands), Qt.Key.Key_Return, CONTROL)
    assert hands.graph.notes["note1"].height == 300.0
    hands.view.notes.edit(["note1"])
    editor_of(hands).setPlainText("line\n" * 40)
    QTest.keyClick(editor_of(hands), Qt.Key.Key_Return, CONTROL)
    assert hands.graph.notes["note1"].height > 600.0
    hands.view.notes.edit(["note1"])
    editor_of(hands).setPlainText("line\n" * 3000)
    QTest.keyClick(editor_of(hands), Qt.Key.Key_Return, CONTROL)
    assert hands.graph.notes["note1"].height == LARGEST_NOTE


@hands_on("hands", [NOTED], indirect=True)
def test_giving_up_changes_nothing(hands: Hands) -> None:
    hands.view.notes.edit(["note1"])
    hands.type("other words")
    QTest.keyClick(editor_of(hands), Qt.Key.Key_Escape)
    assert hands.graph == NOTED.graph
    assert not hands.document.can_undo


@hands_on("hands", [ROW], indirect=True)
def test_closing_the_window_takes_the_text_first(hands: Hands) -> None:
    hands.view.notes.add(QPointF(100.0, 230.0))
    hands.type("nearly lost")
    hands.view.close()
    assert hands.graph.notes["note1"].text == "nearly lost"


@hands_on("hands", [NOTED], indirect=True)
def test_what_is_pasted_into_a_note_is_cleaned(hands: Hands) -> None:
    hands.view.notes.edit(["note1"])
    QTest.keyClick(editor_of(hands), Qt.Key.Key_A, CONTROL)
    QGuiApplication.clipboard().setText("a\u202eb\x07c\r\nd" + "x" * 30_000)
    QTest.keyClick(editor_of(hands), Qt.Key.Key_V, CONTROL)
    QTest.keyClick(editor_of(hands), Qt.Key.Key_Return, CONTROL)
    text = hands.graph.notes["note1"].text
    assert text.startswith("abc\ndxxx")
    assert len(text) == 20_000


@hands_on("hands", [NOTED], indirect=True)
def test_keys_in_the_text_do_nothing_to_the_network(hands: Hands) -> None:
    hands.view.select(["note1"])
    hands.view.notes.edit(["note1"])
    editor = editor_of(hands)
    for key in (Qt.Key.Key_D, Qt.Key.Key_G, Qt.Key.Key_1, Qt.Key.Key_Slash):
        QTest.keyClick(editor, key, CONTROL)
    for key in (Qt.Key.Key_F2, Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Home, Qt.Key.Key_Space):
        QTest.keyClick(editor, key)
    assert hands.graph == NOTED.graph
    assert hands.view.notes.editor is editor
    QTest.keyClick(editor, Qt.Key.Key_Escape)


@hands_on("hands", [NOTED], indirect=True)
def test_the_editor_follows_the_camera(hands: Hands) -> None:
    hands.view.notes.edit(["note1"])
    editor = editor_of(hands)
    for zoom in (0.5, 2.0, 1.0):
        hands.view.camera.set_zoom(zoom)
        hands.view.camera.pan_by(13, 7)
        corner = hands.view.viewportTransform().map(QPointF(NOTE.x, NOTE.y))
        assert abs(editor.x() - corner.x()) <= 1.0
        assert abs(editor.width() - max(220.0 * zoom, 180.0)) <= 1.0
        assert editor.font().pixelSize() == max(12, round(14 * zoom))


@hands_on("hands", [NOTED], indirect=True)
def test_the_editor_grows_with_its_text_and_scrolls_only_when_there_is_no_room(hands: Hands) -> None:
    hands.view.notes.edit(["note1"])
    editor = editor_of(hands)
    bar = editor.verticalScrollBar()
    for count in (1, 5, 12):
        editor.setPlainText("\n".join(["a line"] * count))
        assert bar.maximum() == 0, count
        editor.moveCursor(QTextCursor.MoveOperation.End)
        assert editor.firstVisibleBlock().blockNumber() == 0
        assert hands.view.rect().contains(editor.geometry())
    editor.setPlainText("a line\n" * 200)
    assert bar.maximum() > 0
    assert hands.view.rect().contains(editor.geometry())


@hands_on("hands", [NOTED], indirect=True)
def test_a_note_that_goes_away_takes_its_editor_along(hands: Hands) -> None:
    hands.view.notes.edit(["note1"])
    hands.type("lost words")
    hands.document.apply(Annotate({"note1": None}))
    assert hands.view.notes.editor is None
    assert "note1" not in hands.graph.notes


# ---- moving and resizing


@hands_on("hands", [NOTED], indirect=True)
def test_a_note_is_dragged_as_one_step(hands: Hands) -> None:
    start = note_at(hands)
    hands.press(start)
    hands.drag_to(start + QPoint(20, 10), start + QPoint(61, 37))
    assert hands.view.canvas_scene.annotations.notes["note1"].place == (61.0, 237.0)
    assert hands.graph.notes["note1"].x == 0.0
    hands.release(start + QPoint(61, 37))
    assert (hands.graph.notes["note1"].x, hands.graph.notes["note1"].y) == (61.0, 237.0)
    hands.document.undo()
    assert hands.graph == NOTED.graph
    assert hands.view.canvas_scene.annotations.notes["note1"].place == (0.0, 200.0)


@hands_on("hands", [NOTED], indirect=True)
def test_escape_puts_everything_back(hands: Hands) -> None:
    for start, end in (
        (note_at(hands), QPoint(40, 40)),
        (note_at(hands, across=1.0), QPoint(60, 0)),
        (middle_of(hands), QPoint(40, 40)),
        (hands.place(QPointF(420.0, 340.0)), QPoint(30, 50)),
    ):
        hands.press(start)
        hands.drag_to(start + end / 2, start + end)
        assert hands.view.overlay.gesture is not None
        hands.key(Qt.Key.Key_Escape)
        hands.release(start + end)
        annotations = hands.view.canvas_scene.annotations
        assert annotations.notes["note1"].card_rect() == QRectF(NOTE.x, NOTE.y, NOTE.width, NOTE.height)
        assert annotations.arrows["arrow1"].ends == (QPointF(300.0, 300.0), QPointF(420.0, 340.0))
    assert hands.graph == NOTED.graph


@hands_on("hands", [NOTED], indirect=True)
@hands_on(
    ("across", "down", "cursor", "edges"),
    [
        (1.0, 0.5, Qt.CursorShape.SizeHorCursor, (0.0, 0.0, 50.0, 0.0)),
        (0.0, 0.5, Qt.CursorShape.SizeHorCursor, (50.0, 0.0, 0.0, 0.0)),
        (0.5, 1.0, Qt.CursorShape.SizeVerCursor, (0.0, 0.0, 0.0, 30.0)),
        (1.0, 1.0, Qt.CursorShape.SizeFDiagCursor, (0.0, 0.0, 50.0, 30.0)),
        (0.0, 1.0, Qt.CursorShape.SizeBDiagCursor, (50.0, 0.0, 0.0, 30.0)),
        (1.0, 0.0, Qt.CursorShape.SizeBDiagCursor, (0.0, 30.0, 50.0, 0.0)),
    ],
)
def test_edges_and_corners_resize(
    hands: Hands, across: float, down: float, cursor: Qt.CursorShape, edges: tuple[float, float, float, float]
) -> None:
    hands.document.apply(Annotate({"note1": replace(NOTE, height=150.0)}))
    before = hands.graph
    start = note_at(hands, across=across, down=down)
    hands.drag_to(start)
    assert hands.view.viewport().cursor().shape() is cursor
    left, top, right, bottom = edges
    hands.drag(start, start + QPoint(round(right - left), round(bottom - top)))
    note = hands.graph.notes["note1"]
    assert (note.x, note.y) == pytest.approx((0.0 - left, 200.0 - top), abs=1.0)
    assert (note.width, note.height) == pytest.approx((220.0 + left + right, 150.0 + top + bottom), abs=1.0)
    assert hands.document.undo_title == "Resize note"
    hands.document.undo()
    assert hands.graph == before


@hands_on("hands", [NOTED], indirect=True)
def test_paper_keeps_room_for_its_text(hands: Hands) -> None:
    start = note_at(hands, across=1.0, down=1.0)
    hands.drag(start, start + QPoint(-100, -300))
    note = hands.graph.notes["note1"]
    assert note.width == pytest.approx(120.0, abs=1.0)
    assert note.height == fitting_height(WORDS, note.width)
    start = note_at(hands, across=1.0)
    hands.drag(start, start + QPoint(200, 0))
    wide = hands.graph.notes["note1"]
    assert wide.height == fitting_height(WORDS, wide.width) < note.height


@hands_on("hands", [NOTED], indirect=True)
def test_keys_move_notes_and_arrows(hands: Hands) -> None:
    hands.view.select(["note1", "arrow1"])
    hands.key(Qt.Key.Key_Right)
    hands.key(Qt.Key.Key_Down, SHIFT)
    assert (hands.graph.notes["note1"].x, hands.graph.notes["note1"].y) == (22.0, 201.0)
    assert (hands.graph.arrows["arrow1"].x, hands.graph.arrows["arrow1"].y) == (322.0, 301.0)
    hands.document.undo()
    assert hands.graph == NOTED.graph


# ---- arrows


@hands_on("hands", [ROW], indirect=True)
def test_an_arrow_is_drawn_and_goes_to_the_edge_of_a_card(hands: Hands) -> None:
    hands.view.notes.arm()
    assert hands.view.viewport().cursor().shape() is Qt.CursorShape.CrossCursor
    card = hands.view.canvas_scene.cards["linear"].card_rect()
    tail = QPointF(card.center().x(), card.bottom() + 150.0)
    hands.drag(hands.place(tail), hands.place(QPointF(card.center().x(), card.bottom() - 20.0)))
    arrow = hands.graph.arrows["arrow1"]
    assert (arrow.x, arrow.y) == pytest.approx((tail.x(), tail.y()), abs=1.0)
    assert arrow.y + arrow.down == pytest.approx(card.bottom(), abs=0.01)
    assert hands.view.selected == ("arrow1",)
    assert "Linear" in hands.view.accessibleDescription()
    assert not hands.view.notes.armed
    hands.document.undo()
    assert hands.graph == ROW.graph


@hands_on("hands", [ROW], indirect=True)
def test_an_arrow_that_was_not_drawn_is_none(hands: Hands, qtbot: QtBot) -> None:
    hands.view.notes.arm()
    hands.key(Qt.Key.Key_Escape)
    assert not hands.view.notes.armed
    assert hands.view.viewport().cursor().shape() is Qt.CursorShape.ArrowCursor
    hands.view.notes.arm()
    with qtbot.waitSignal(hands.view.message):
        hands.click(hands.place(QPointF(100.0, 250.0)))
    assert hands.graph == ROW.graph
    hands.view.notes.arm()
    hands.key(Qt.Key.Key_Return)
    assert hands.graph.arrows["arrow1"].across == 100.0


@hands_on("hands", [NOTED], indirect=True)
def test_an_arrow_is_drawn_from_the_handle_of_a_note(hands: Hands) -> None:
    hands.click(note_at(hands))
    item = hands.view.canvas_scene.annotations.notes["note1"]
    handle, edge = item.handles()[1]
    hands.drag(hands.place(handle), hands.place(QPointF(300.0, 420.0)))
    arrow = hands.graph.arrows["arrow2"]
    assert (arrow.x, arrow.y) == (edge.x(), edge.y())
    assert (arrow.x + arrow.across, arrow.y + arrow.down) == pytest.approx((300.0, 420.0), abs=1.0)


@hands_on("hands", [NOTED], indirect=True)
def test_both_ends_of_an_arrow_can_be_dragged(hands: Hands) -> None:
    hands.drag(hands.place(QPointF(420.0, 340.0)), hands.place(QPointF(500.0, 400.0)))
    arrow = hands.graph.arrows["arrow1"]
    assert (arrow.x, arrow.y, arrow.across, arrow.down) == pytest.approx((300.0, 300.0, 200.0, 100.0), abs=1.0)
    hands.drag(hands.place(QPointF(300.0, 300.0)), hands.place(QPointF(280.0, 360.0)))
    arrow = hands.graph.arrows["arrow1"]
    assert (arrow.x, arrow.y, arrow.across, arrow.down) == pytest.approx((280.0, 360.0, 220.0, 40.0), abs=1.0)
    assert hands.document.undo_title == "Change arrow"
    hands.document.undo()
    hands.document.undo()
    assert hands.graph == NOTED.graph


@hands_on("hands", [NOTED], indirect=True)
def test_an_arrow_is_chosen_by_its_line_moved_and_removed(hands: Hands) -> None:
    hands.click(hands.place(QPointF(330.0, 360.0)))
    assert hands.view.selected == ()
    start = middle_of(hands)
    hands.drag(start, start + QPoint(30, 50))
    assert hands.view.selected == ("arrow1",)
    arrow = hands.graph.arrows["arrow1"]
    assert (arrow.x, arrow.y, arrow.across, arrow.down) == (330.0, 350.0, 120.0, 40.0)
    hands.key(Qt.Key.Key_Delete)
    assert not hands.graph.arrows
    hands.document.undo()
    assert hands.graph.arrows["arrow1"] == arrow


# ---- choosing, colours, clipboard, groups


@hands_on("hands", [NOTED], indirect=True)
def test_a_rubber_band_takes_notes_and_arrows(hands: Hands) -> None:
    hands.drag(hands.place(QPointF(-30.0, 400.0)), hands.place(QPointF(330.0, 230.0)))
    assert hands.view.selected == ("note1", "arrow1")
    hands.drag(hands.place(QPointF(-30.0, 400.0)), hands.place(QPointF(290.0, 230.0)))
    assert hands.view.selected == ("note1",)


@hands_on("hands", [NOTED], indirect=True)
def test_cards_come_first_in_the_order_of_tab(hands: Hands) -> None:
    order = []
    hands.key(Qt.Key.Key_Home)
    for _ in range(6):
        order += hands.view.selected
        hands.key(Qt.Key.Key_Tab)
    assert order == ["input", "flatten", "linear", "relu", "note1", "arrow1"]
    hands.key(Qt.Key.Key_A, CONTROL)
    assert hands.view.selected == tuple(order)


@hands_on("hands", [NOTED], indirect=True)
def test_what_is_chosen_is_told(hands: Hands) -> None:
    hands.document.apply(Annotate({"note1": replace(NOTE, text="# Begin\nwith **this** `layer`")}))
    hands.click(note_at(hands))
    assert hands.view.accessibleDescription() == "Note: Begin\nwith this layer"
    hands.click(middle_of(hands))
    assert hands.view.accessibleDescription() == "Arrow"


@hands_on("hands", [NOTED], indirect=True)
def test_the_menu_colours_what_is_chosen(hands: Hands) -> None:
    hands.view.select(["note1", "arrow1"])
    menu = hands.view.menus.at(hands.view.mapToScene(note_at(hands)))
    colours = entries_of(menu)["Colour"]
    assert isinstance(colours, QMenu)
    colours.popup(hands.view.mapToGlobal(QPoint(10, 10)))
    entry = next(action for action in colours.actions() if action.text() == "Green\tAlt+7")
    QTest.mouseClick(colours, Qt.MouseButton.LeftButton, pos=colours.actionGeometry(entry).center())
    assert hands.graph.notes["note1"].colour == hands.graph.arrows["arrow1"].colour == "good"
    assert hands.document.undo_title == "Colour green"
    hands.document.undo()
    assert hands.graph == NOTED.graph


@hands_on("hands", [NOTED], indirect=True)
def test_copy_cut_duplicate(hands: Hands) -> None:
    hands.view.select(["note1", "arrow1", "relu"])
    hands.key(Qt.Key.Key_C, CONTROL)
    hands.key(Qt.Key.Key_V, CONTROL)
    assert set(hands.view.selected) == {"note2", "arrow2", "relu1"}
    note = hands.graph.notes["note2"]
    assert (note.text, note.x, note.y) == (WORDS, 26.0, 226.0)
    hands.key(Qt.Key.Key_X, CONTROL)
    assert hands.graph.nodes.keys() == ROW.graph.nodes.keys()
    assert list(hands.graph.notes) == ["note1"]
    hands.key(Qt.Key.Key_V, CONTROL)
    assert list(hands.graph.notes) == ["note1", "note2"]
    hands.view.select(["arrow1"])
    hands.key(Qt.Key.Key_D, CONTROL)
    assert hands.graph.arrows["arrow3"].across == 120.0
    for _ in range(4):
        hands.document.undo()
    assert hands.graph == NOTED.graph


@hands_on("hands", [NOTED], indirect=True)
def test_delete_takes_cards_notes_and_arrows_in_one_step(hands: Hands) -> None:
    hands.view.select(["note1", "arrow1", "relu"])
    hands.key(Qt.Key.Key_Delete)
    assert not hands.graph.notes and not hands.graph.arrows and "relu" not in hands.graph.nodes
    hands.document.undo()
    assert hands.graph == NOTED.graph
    assert set(hands.view.canvas_scene.annotations.items) == {"note1", "arrow1"}


@hands_on("hands", [NOTED], indirect=True)
def test_save_and_open_keep_them(hands: Hands, tmp_path: Path) -> None:
    io.save(hands.document.project, tmp_path / "noted.nnv")
    assert io.load(tmp_path / "noted.nnv").graph == NOTED.graph


GROUPED = replace(
    NOTED,
    graph=replace(
        NOTED.graph,
        groups={"head": Group("head", "Head", collapsed=False)},
        nodes={
            key: replace(node, group="head") if key in ("linear", "relu") else node
            for key, node in NOTED.graph.nodes.items()
        },
        notes={"note1": replace(NOTE, x=400.0, y=260.0, group="head")},
        arrows={"arrow1": replace(ARROW, x=100.0)},
    ),
)


@hands_on("hands", [GROUPED], indirect=True)
def test_notes_live_in_groups(hands: Hands) -> None:
    scene = hands.view.canvas_scene
    frame = scene.frames.items["head"]
    assert frame.card_rect().contains(scene.annotations.notes["note1"].card_rect())
    hands.view.groups.toggle("head")
    assert set(scene.annotations.items) == {"arrow1"}
    hands.view.groups.enter("head")
    assert set(scene.annotations.items) == {"note1"}
    hands.view.groups.leave()
    hands.view.groups.toggle("head")
    assert set(scene.annotations.items) == {"note1", "arrow1"}


@hands_on("hands", [GROUPED], indirect=True)
def test_a_note_is_dragged_out_of_a_frame_and_back(hands: Hands) -> None:
    scene = hands.view.canvas_scene
    before = scene.frames.items["head"].card_rect()
    start, end = note_at(hands), hands.place(QPointF(0.0, 420.0))
    hands.press(start)
    hands.drag_to((start + end) / 2, end)
    assert not scene.frames.items["head"].card_rect().contains(scene.annotations.notes["note1"].card_rect())
    hands.release(end)
    assert hands.graph.notes["note1"].group == ""
    assert scene.frames.items["head"].card_rect().height() < before.height()
    hands.drag(note_at(hands), hands.place(scene.frames.items["head"].card_rect().center()))
    assert hands.graph.notes["note1"].group == "head"
    hands.document.undo()
    hands.document.undo()
    assert hands.graph == GROUPED.graph


@hands_on("hands", [GROUPED], indirect=True)
def test_a_frame_takes_its_notes_along(hands: Hands) -> None:
    frame = hands.view.canvas_scene.frames.items["head"]
    start = hands.place(frame.head_rect().center())
    hands.drag(start, start + QPoint(100, 150), keys=ALT)
    note = hands.graph.notes["note1"]
    assert (note.x, note.y) == (500.0, 410.0)
    assert frame.card_rect().contains(hands.view.canvas_scene.annotations.notes["note1"].card_rect())


@hands_on("hands", [GROUPED], indirect=True)
def test_a_note_written_in_a_frame_stands_in_its_group(hands: Hands) -> None:
    rect = hands.view.canvas_scene.frames.items["head"].card_rect()
    hands.view.notes.add(QPointF(rect.left() + 30.0, rect.bottom() - 60.0))
    hands.type("inside")
    QTest.keyClick(editor_of(hands), Qt.Key.Key_Return, CONTROL)
    assert hands.graph.notes["note2"].group == "head"


@hands_on("hands", [NOTED], indirect=True)
def test_a_group_is_made_of_cards_and_notes(hands: Hands) -> None:
    hands.view.select(["linear", "relu", "note1"])
    hands.view.groups.group_selected()
    group = next(iter(hands.graph.groups))
    assert hands.graph.notes["note1"].group == group
    assert set(hands.view.canvas_scene.annotations.items) == {"arrow1"}
    assert hands.view.select(["arrow1"]) is None
    hands.document.undo()
    assert hands.graph == NOTED.graph


# ---- looks


HOSTILE = (
    "# <h1>Not a tag</h1>\n<img src='file:///etc/passwd'> ![x](http://example.org/x.png) [y](http://example.org)\n"
    "<script>alert(1)</script>\n- **bold** and `code <b>`\n```\n" + "*" * 500 + "`" * 500 + "**" * 500
)


def test_a_hostile_text_is_only_letters(qapp: QApplication) -> None:
    colours = theme.current()
    document = laid_out(HOSTILE, 220.0, colours.text, colours.field)
    shown = document.toPlainText()
    assert "<img src='file:///etc/passwd'> ![x](http://example.org/x.png) [y](http://example.org)" in shown
    for form in document.allFormats():
        assert not form.isImageFormat() and not form.isTableFormat()
        assert not form.hasProperty(QTextFormat.Property.AnchorHref)
        assert not form.hasProperty(QTextFormat.Property.ImageName)


def test_the_marks_that_count(qapp: QApplication) -> None:
    colours = theme.current()
    document = laid_out("# Title\nsome **bold** and `code`\n- one\n- two", 220.0, colours.text, colours.field)
    block = document.begin()
    assert (block.text(), block.begin().fragment().charFormat().font().pixelSize()) == ("Title", 18)
    block = block.next()
    assert block.text() == "some bold and code"
    fragments = {}
    place = block.begin()
    while not place.atEnd():
        fragments[place.fragment().text()] = place.fragment().charFormat().font()
        place += 1
    assert fragments["bold"].weight() == 600 and fragments["some "].weight() == 400
    assert fragments["code"].family() != fragments["bold"].family()
    assert min(font.pixelSize() for font in fragments.values()) >= 14
    block = block.next()
    assert block.text() == "one" and block.textList() is not None


def test_titles_for_lists() -> None:
    assert note_title("# Begin here\nmore") == "Begin here"
    assert note_title("\n- **first** thing") == "first thing"
    assert note_title("  \n") == "Empty note"
    assert len(note_title("word " * 50)) <= 60
    assert plain_text("# A **b**\n# `c`") == "A b\n# c"


def contrast(first: object, second: object) -> float:
    def light(colour: object) -> float:
        parts = [channel / 255 for channel in (colour.red(), colour.green(), colour.blue())]  # type: ignore[attr-defined]  # QColor
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@hands_on("colours", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
@hands_on("colour", NOTE_COLOURS)
def test_every_colour_can_be_read(colours: theme.Theme, colour: str) -> None:
    ground = paper(colour, colours)
    assert contrast(colours.text, ground) >= 7.0
    assert contrast(colours.text, theme.mixed(ground, colours.text, 0.1)) >= 4.5
    assert contrast(tone(colour, colours), colours.window) >= 3.0


@hands_on("hands", [NOTED], indirect=True)
def test_from_far_the_text_is_told_by_the_mouse(hands: Hands) -> None:
    scene, stage = hands.view.canvas_scene, hands.view.stage
    point = QPointF(30.0, 215.0)
    hands.document.apply(Annotate({"note1": replace(NOTE, text="<img src='x'> words")}))
    assert tooltip(scene, stage, point) == ""
    hands.view.camera.set_zoom(FAR_ZOOM * 0.8)
    assert "&lt;img src=" in tooltip(scene, stage, point)
    assert "<img" not in tooltip(scene, stage, point)


@hands_on("hands", [NOTED], indirect=True)
@hands_on("zoom", [0.2, 0.8, 2.0])
def test_notes_and_arrows_are_painted_in_both_themes(hands: Hands, zoom: float) -> None:
    hands.document.apply(Annotate({"note1": replace(NOTE, height=160.0)}))
    hands.view.camera.set_zoom(zoom)
    hands.view.centerOn(hands.view.camera.content_rect().center())
    for name in ("dark", "light"):
        theme.set_theme(name)
        picture = hands.view.grab().toImage()
        item = hands.view.canvas_scene.annotations.notes["note1"]
        corner = hands.place(item.card_rect().bottomRight() - QPointF(30.0, 20.0))
        seen, wanted = picture.pixelColor(corner), paper("plain", theme.current())
        assert max(abs(seen.red() - wanted.red()), abs(seen.blue() - wanted.blue())) <= 3


@hands_on("hands", [NOTED], indirect=True)
def test_notes_lie_behind_cards_and_above_frames(hands: Hands) -> None:
    scene = hands.view.canvas_scene
    hands.document.apply(Regroup({"head": Group("head", collapsed=False)}, {"relu": "head", "note1": "head"}))
    card, note, frame = scene.cards["relu"], scene.annotations.notes["note1"], scene.frames.items["head"]
    assert card.zValue() > scene.annotations.arrows["arrow1"].zValue() > note.zValue() > frame.zValue()
    hands.document.apply(Annotate({"note1": replace(hands.graph.notes["note1"], x=600.0, y=0.0)}))
    hands.click(hands.card("relu"))
    assert hands.view.selected == ("relu",)


def test_notes_of_a_sample_show_all_their_words_and_lie_on_no_card(qtbot: QtBot) -> None:
    project = templates.sample("xnor-two-layer")
    assert project.graph.notes
    view = CanvasView(Document(project))
    qtbot.addWidget(view)
    for item in view.canvas_scene.annotations.notes.values():
        assert not item.hides_text(far=False)
        assert not any(card.card_rect().intersects(item.card_rect()) for card in view.canvas_scene.cards.values())


def test_an_empty_network_with_a_note_shows_the_note(qtbot: QtBot) -> None:
    view = CanvasView(Document(with_items(NOTE, project=Project())))
    qtbot.addWidget(view)
    assert isinstance(view.canvas_scene.item("note1"), NoteItem)
    assert view.camera.content_rect().contains(QRectF(0.0, 200.0, 220.0, NOTE.height))


# ---- in the window


def test_menus_keys_and_the_command_palette(
    qtbot: QtBot, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target = tmp_path / "noted.nnviz"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(target), ""))
    window = open_window("spiral", ready=False)
    person = Person(window, qtbot)
    canvas = window.canvas
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_N)
    editor = canvas.notes.editor
    assert editor is not None
    qtbot.waitUntil(editor.hasFocus)
    QTest.keyClicks(editor, "# Look herebn")
    QTest.keyClick(editor, Qt.Key.Key_S, CONTROL)
    assert canvas.notes.editor is None
    qtbot.waitUntil(target.exists)
    qtbot.waitUntil(lambda: io.load(target).graph.notes["note1"].text == "# Look herebn")
    person.menu("Add", "Arrow")
    assert canvas.notes.armed
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert "arrow1" in window.document.project.graph.arrows
    found = [entry for entry in all_entries(window.findable) if entry.key == "note/note1"]
    assert [entry.title for entry in found] == ["Go to note Look herebn"]
    canvas.select([])
    found[0].run()
    assert canvas.selected == ("note1",)
    assert canvas.camera.visible_rect().contains(canvas.canvas_scene.annotations.notes["note1"].card_rect())
