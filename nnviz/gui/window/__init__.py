"""The main window: regions, actions, menus, files, notices and settings."""
