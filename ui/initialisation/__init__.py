"""The Initialisation page, section by section."""
