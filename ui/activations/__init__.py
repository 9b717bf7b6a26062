"""The Activations page, section by section."""
