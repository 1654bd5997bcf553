"""What the program remembers between two starts: theme, window, arrangement of the instruments, recent files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from nnviz import user_folders

#: Raised when docks or their names change so that an old arrangement no longer fits.
ARRANGEMENT_VERSION = 1
_MOST_RECENT = 10
_MOST_COMMANDS = 12
_MOST_COLUMNS = 40


class Settings:
    """A typed face of one ini file in the user's configuration folder.

    Args:
        path: Another file, for tests.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or user_folders.settings_folder() / "nnviz.ini"
        self._store = QSettings(str(self.path), QSettings.Format.IniFormat)

    @property
    def theme(self) -> str:
        """``system``, ``dark`` or ``light``."""
        value = str(self._store.value("theme", "system"))
        return value if value in {"system", "dark", "light"} else "system"

    @theme.setter
    def theme(self, value: str) -> None:
        self._store.setValue("theme", value)

    @property
    def minimap(self) -> str:
        """When the map of the network is shown: ``automatic``, ``always`` or ``never``."""
        value = str(self._store.value("minimap", "automatic"))
        return value if value in {"automatic", "always", "never"} else "automatic"

    @minimap.setter
    def minimap(self, value: str) -> None:
        self._store.setValue("minimap", value)

    @property
    def neurons_first(self) -> bool:
        """Whether a small dense network on two inputs is shown neuron by neuron when it is opened."""
        return str(self._store.value("neurons_first", "true")) == "true"

    @neurons_first.setter
    def neurons_first(self, value: bool) -> None:
        self._store.setValue("neurons_first", "true" if value else "false")

    @property
    def motion(self) -> str:
        """``system``: cards and view glide unless the desktop asks for little motion; ``never``."""
        return "never" if str(self._store.value("motion", "system")) == "never" else "system"

    @motion.setter
    def motion(self, value: str) -> None:
        self._store.setValue("motion", value)

    @property
    def large_letters(self) -> bool:
        """Whether the letters of the whole window are half as large again."""
        return str(self._store.value("large_letters", "false")) == "true"

    @large_letters.setter
    def large_letters(self, value: bool) -> None:
        self._store.setValue("large_letters", "true" if value else "false")

    @property
    def welcome_seen(self) -> bool:
        """Whether the welcome was shown once."""
        return str(self._store.value("welcome_seen", "false")) == "true"

    @welcome_seen.setter
    def welcome_seen(self, value: bool) -> None:
        self._store.setValue("welcome_seen", "true" if value else "false")

    @property
    def recent(self) -> tuple[Path, ...]:
        """Projects opened or saved last, the newest first."""
        stored = self._store.value("recent", [])
        names = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return tuple(Path(str(name)) for name in names if name)[:_MOST_RECENT]

    def remember(self, path: Path) -> None:
        """Put a file at the top of the recent ones."""
        resolved = path.absolute()
        kept = [resolved, *(other for other in self.recent if other != resolved)]
        self._store.setValue("recent", [str(item) for item in kept[:_MOST_RECENT]])

    def forget(self, path: Path | None = None) -> None:
        """Take one file (or all) out of the recent ones."""
        kept = [] if path is None else [other for other in self.recent if other != path.absolute()]
        self._store.setValue("recent", [str(item) for item in kept])

    @property
    def recent_commands(self) -> tuple[str, ...]:
        """Keys of what was used last in the command palette, the newest first."""
        stored = self._store.value("recent_commands", [])
        keys = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return tuple(str(key) for key in keys if key)[:_MOST_COMMANDS]

    def remember_command(self, key: str) -> None:
        """Put a command at the top of those used last."""
        kept = [key, *(other for other in self.recent_commands if other != key)]
        self._store.setValue("recent_commands", kept[:_MOST_COMMANDS])

    @property
    def recent_layers(self) -> tuple[str, ...]:
        """Kinds of the layers that were added last, the newest first."""
        stored = self._store.value("recent_layers", [])
        kinds = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return tuple(str(kind) for kind in kinds if kind)[:_MOST_RECENT]

    @recent_layers.setter
    def recent_layers(self, kinds: tuple[str, ...]) -> None:
        self._store.setValue("recent_layers", list(kinds))

    @property
    def run_columns(self) -> tuple[str, ...]:
        """Keys of the columns of the list of runs that were chosen; empty for the usual ones."""
        stored = self._store.value("run_columns", [])
        keys = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return tuple(str(key) for key in keys if key)[:_MOST_COLUMNS]

    @run_columns.setter
    def run_columns(self, keys: tuple[str, ...]) -> None:
        self._store.setValue("run_columns", list(keys))

    @property
    def screen(self) -> str:
        """The name of the screen that the window was on when it was closed last; empty at the first start."""
        return str(self._store.value("screen", ""))

    @screen.setter
    def screen(self, name: str) -> None:
        self._store.setValue("screen", name)

    @property
    def folder(self) -> Path:
        """Where the last file was opened or saved."""
        return Path(str(self._store.value("folder", str(user_folders.home()))))

    @folder.setter
    def folder(self, value: Path) -> None:
        self._store.setValue("folder", str(value))

    def layout(self, name: str) -> QByteArray | None:
        """A saved geometry or arrangement, or None where there is none of this version."""
        value = self._store.value(f"layout/{ARRANGEMENT_VERSION}/{name}")
        return value if isinstance(value, QByteArray) and not value.isEmpty() else None

    def keep_layout(self, name: str, value: QByteArray) -> None:
        """Save a geometry or arrangement."""
        self._store.setValue(f"layout/{ARRANGEMENT_VERSION}/{name}", value)

    def forget_layout(self) -> None:
        """Return to the arrangement that the program comes with."""
        self._store.remove("layout")

    def sync(self) -> None:
        """Writes what is not on the disk yet, before the program ends."""
        self._store.sync()
