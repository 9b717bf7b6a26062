"""Looks into a run: `panel.looks` draws them, the modules beside it their charts."""
