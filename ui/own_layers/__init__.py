"""The view of a model's own layers: settings, parameters and formula of each, as a form."""
