"""The one stylesheet: shapes, lines and paddings of stock widgets, from a theme's colours.

It sets no font: fonts come from ``theme.font`` by ``setFont``. Objects choose a look by their object name or by the
dynamic property ``role`` (``primary``, ``pill``, ``flat``, ``link``, ``heading``, ``muted``, ``faint``).
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from PySide6.QtGui import QColor

if TYPE_CHECKING:
    from nnviz.gui.look.colours import Theme

_TEMPLATE = Template("""
QMainWindow, QDialog { background: $panel; }
QMainWindow::separator { background: $border; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $accent; }
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 5px 7px; }
QLabel { background: transparent; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="faint"] { color: $faint; }
QLabel[role="caption"] { color: $muted; }
QLabel[role="danger"] { color: $danger; }

QPushButton, QToolButton {
    background: $raised; color: $text; border: 1px solid $border; border-radius: 6px; padding: 4px 11px;
}
QToolButton { padding: 4px; }
QPushButton:hover, QToolButton:hover { background: $hover; border-color: $hover_border; }
QPushButton:pressed, QToolButton:pressed { background: $pressed; }
QPushButton:checked, QToolButton:checked { background: $selected; border-color: $accent; }
QPushButton:disabled, QToolButton:disabled { color: $faint; background: $panel; border-color: $border; }
QPushButton:focus, QToolButton:focus { border-color: $accent; outline: none; }
QPushButton[role="primary"], QToolButton[role="primary"] {
    background: $accent; color: $accent_text; border-color: $accent;
}
QPushButton[role="primary"]:hover, QToolButton[role="primary"]:hover { background: $accent_hover; }
QPushButton[role="primary"]:focus, QToolButton[role="primary"]:focus { border: 2px solid $text; padding: 3px 10px; }
QPushButton[role="primary"]:disabled, QToolButton[role="primary"]:disabled {
    background: $raised; color: $faint; border-color: $border;
}
QPushButton[role="flat"], QToolButton[role="flat"] { background: transparent; border-color: transparent; }
QPushButton[role="flat"]:hover, QToolButton[role="flat"]:hover { background: $hover; }
QPushButton[role="flat"]:checked, QToolButton[role="flat"]:checked { background: $selected; }
QPushButton[role="flat"]:focus, QToolButton[role="flat"]:focus { border-color: $accent; }
QPushButton[role="link"], QToolButton[role="link"] {
    background: transparent; border: 1px solid transparent; color: $accent; padding: 1px 2px; text-align: left;
}
QPushButton[role="link"]:hover, QToolButton[role="link"]:hover { color: $accent_hover; }
QPushButton[role="link"]:focus, QToolButton[role="link"]:focus { border-color: $accent; }
QPushButton[role="pill"], QToolButton[role="pill"], QLabel[role="pill"] {
    background: transparent; border: 1px solid $border; border-radius: 13px; padding: 3px 11px; color: $muted;
}
QLabel[role="pill"] { border-radius: 10px; padding: 2px 10px; }
QPushButton[role="pill"]:hover, QToolButton[role="pill"]:hover { background: $hover; color: $text; }
QPushButton[role="pill"]:focus, QToolButton[role="pill"]:focus { border-color: $accent; }
QToolButton::menu-indicator { image: none; width: 0; }
QPushButton::menu-indicator { image: none; width: 0; }

QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
    background: $field; color: $text; border: 1px solid $border; border-radius: 6px; padding: 3px 7px;
    selection-background-color: $accent; selection-color: $accent_text;
}
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: $hover_border; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus {
    border-color: $accent;
}
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $faint; background: $panel; }
QLineEdit[invalid="true"], QAbstractSpinBox[invalid="true"] { border-color: $danger; }
QAbstractSpinBox { padding-right: 20px; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {
    subcontrol-origin: border; width: 18px; border: none; background: transparent;
}
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
QAbstractSpinBox::up-arrow { image: url("$icons/arrow-up-$tone.svg"); width: 10px; height: 10px; }
QAbstractSpinBox::down-arrow { image: url("$icons/arrow-down-$tone.svg"); width: 10px; height: 10px; }
QAbstractSpinBox[buttonSymbols="2"] { padding-right: 7px; }
QComboBox { padding-right: 22px; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url("$icons/arrow-down-$tone.svg"); width: 12px; height: 12px; }
QComboBox QAbstractItemView {
    background: $raised; color: $text; border: 1px solid $border; outline: none; padding: 3px;
    selection-background-color: $selected; selection-color: $text;
}
QCheckBox, QRadioButton { spacing: 7px; background: transparent; }
QCheckBox::indicator {
    width: 15px; height: 15px; border: 1px solid $hover_border; border-radius: 4px; background: $field;
}
QCheckBox::indicator:hover, QCheckBox::indicator:focus { border-color: $accent; }
QCheckBox:focus { color: $accent; }
QCheckBox::indicator:checked {
    background: $accent; border-color: $accent; image: url("$icons/check-on-accent-$tone.svg");
}
QCheckBox::indicator:disabled { background: $panel; border-color: $border; }

QMenuBar { background: $panel; color: $text; border-bottom: 1px solid $border; padding: 1px 6px; }
QMenuBar::item { background: transparent; padding: 4px 9px; border-radius: 5px; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; color: $text; border: 1px solid $border; padding: 5px; }
QMenu::item { padding: 5px 26px 5px 22px; border-radius: 5px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $faint; }
QMenu::separator { height: 1px; background: $border; margin: 5px 8px; }
QMenu::indicator { width: 14px; height: 14px; left: 5px; }
QMenu::indicator:checked { image: url("$icons/check-$tone.svg"); }
QMenu::icon { left: 5px; }

QTabWidget::pane { border: none; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab {
    background: transparent; color: $muted; border: 1px solid transparent; border-radius: 6px;
    padding: 5px 11px; margin-right: 2px;
}
QTabBar::tab:selected { background: $raised; color: $text; border-color: $border; }
QTabBar::tab:hover:!selected { color: $text; }
QTabBar::tab:focus { border-color: $accent; }

QScrollArea, QAbstractScrollArea { border: none; background: transparent; }
QScrollArea[ring="true"] { border: 1px solid transparent; }
QScrollArea[ring="true"]:focus { border-color: $accent; }
QScrollArea > QWidget > QWidget { background: transparent; }
QAbstractItemView { background: $panel; color: $text; outline: none; selection-background-color: $selected;
    selection-color: $text; alternate-background-color: $raised; }
QHeaderView::section { background: $panel; color: $muted; border: none; border-bottom: 1px solid $border;
    padding: 4px 7px; }
QPlainTextEdit#Lines { background: $field; border: 1px solid $border; border-radius: 5px; padding: 2px 5px; }
QPlainTextEdit#Lines:focus { border-color: $accent; }
QPlainTextEdit#Lines[invalid="true"] { border-color: $danger; }
QTableView { background: $field; border: 1px solid $border; border-radius: 5px; gridline-color: $border; }
QTableView:focus { border-color: $accent; }
QTableView QHeaderView::section { background: $raised; border-right: 1px solid $border; padding: 4px 3px; }
QTableView QTableCornerButton::section { background: $raised; border: none; border-bottom: 1px solid $border;
    border-right: 1px solid $border; }
QTableView QLineEdit { border: none; border-radius: 0; padding: 0 4px; }
#RunsTable { border: none; background: transparent; }
#RunsTable::item { padding: 0 8px; }
#RunsTable QHeaderView::section { background: $panel; border-right: none; padding: 4px 8px; }
#RunsTable QHeaderView::section:vertical { border: none; padding: 0 12px 0 8px; }
#RunsTable QTableCornerButton::section { background: $panel; border: none; border-bottom: 1px solid $border; }
#RunsTable::indicator {
    width: 13px; height: 13px; border: 1px solid $hover_border; border-radius: 4px; background: $field;
}
#RunsTable::indicator:checked {
    background: $accent; border-color: $accent; image: url("$icons/check-on-accent-$tone.svg");
}
#RunsTable::indicator:disabled { background: $panel; border-color: $border; image: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $scroll; border-radius: 4px; margin: 1px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $hover_border; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }

QProgressBar { background: $border; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }
QSlider::groove:horizontal { height: 4px; background: $field; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { background: $text; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }
QSplitter::handle { background: $border; }
QSplitter::handle:hover { background: $accent; }
QDockWidget { color: $text; titlebar-close-icon: none; titlebar-normal-icon: none; }
QDockWidget > QWidget { background: $panel; }
QGroupBox { border: 1px solid $border; border-radius: 6px; margin-top: 10px; padding-top: 8px; }
QGroupBox::title { subcontrol-origin: margin; left: 9px; color: $muted; }

#TopBar, #Timeline { background: $panel; }
#TopBar { border-bottom: 1px solid $border; }
#Timeline { border-top: 1px solid $border; }
QStatusBar { background: $panel; border: none; }
QStatusBar::item { border: none; }
#Palette { background: $panel; border-right: 1px solid $border; }
#Inspector { background: $panel; }
#PanelDock { background: $panel; }
#DockTitle { background: $panel; }
#Notice { background: $notice; border: 1px solid $border; border-left: 3px solid $information; border-radius: 6px; }
#Notice[severity="error"] { border-left-color: $danger; background: $notice_error; }
#Notice[severity="warning"] { border-left-color: $warning; background: $notice_warning; }
#OverlayCard { background: $panel; border: 1px solid $hover_border; border-radius: 10px; }
#OverlayCard QLineEdit { padding: 6px 9px; }
#OverlayCard QPlainTextEdit { background: $field; border: 1px solid $border; padding: 3px 5px; }
#OverlayCard QPlainTextEdit:focus { border-color: $accent; }
#OverlayCard QAbstractItemView { background: $panel; }
#ShortcutHeading { color: $accent; }
#Message { background: $raised; color: $text; border: 1px solid $border; border-radius: 6px; padding: 6px 12px; }
#WelcomeSide { background: $window; border-right: 1px solid $border; }
QPushButton[align="left"] { text-align: left; }
QLabel#Device { border: 1px solid $good; color: $good; border-radius: 13px; padding: 3px 11px; }
QLabel#Device[waiting="true"] { border-color: $border; color: $muted; }
#InPlace { background: transparent; border: 1px solid transparent; border-radius: 5px; padding: 0 3px; color: $text; }
QComboBox#InPlace { padding-right: 16px; }
QComboBox#InPlace::drop-down { width: 16px; }
QComboBox#InPlace QLineEdit { background: transparent; border: none; padding: 0; }
#InPlace[waiting="true"] { border: 1px dashed $warning; color: $warning; }
#InPlace[waiting="true"] QLineEdit { color: $warning; }
#InPlace:hover { background: $hover; border-color: $border; }
#InPlace:focus { border-color: $accent; background: $field; }
#InPlace:disabled { color: $muted; }
""")


def _hex(colour: QColor) -> str:
    return colour.name(QColor.NameFormat.HexRgb)


def _mix(first: QColor, second: QColor, share: float) -> str:
    keep = 1.0 - share
    red = first.redF() * keep + second.redF() * share
    green = first.greenF() * keep + second.greenF() * share
    blue = first.blueF() * keep + second.blueF() * share
    return _hex(QColor.fromRgbF(red, green, blue))


def stylesheet(theme: Theme, icons: Path) -> str:
    """The application's stylesheet in the colours of ``theme``; ``icons`` is the folder of the small arrow pictures."""
    return _TEMPLATE.substitute(
        window=_hex(theme.window),
        panel=_hex(theme.panel),
        raised=_hex(theme.panel_raised),
        field=_hex(theme.field),
        border=_hex(theme.border),
        text=_hex(theme.text),
        muted=_hex(theme.text_muted),
        faint=_hex(theme.text_faint),
        accent=_hex(theme.accent),
        accent_text=_hex(theme.accent_text),
        accent_hover=_mix(theme.accent, theme.text, 0.18),
        good=_hex(theme.good),
        warning=_hex(theme.warning),
        danger=_hex(theme.danger),
        information=_hex(theme.information),
        hover=_mix(theme.panel_raised, theme.text, 0.06),
        hover_border=_mix(theme.border, theme.text, 0.22),
        pressed=_mix(theme.panel_raised, theme.text, 0.12),
        selected=_mix(theme.panel_raised, theme.accent, 0.22),
        scroll=_mix(theme.border, theme.text, 0.12),
        notice=_mix(theme.panel_raised, theme.information, 0.08),
        notice_error=_mix(theme.panel_raised, theme.danger, 0.10),
        notice_warning=_mix(theme.panel_raised, theme.warning, 0.09),
        icons=icons.as_posix(),
        tone=theme.name,
    )
