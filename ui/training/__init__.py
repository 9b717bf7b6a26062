"""The Train page: its settings, the run as it goes, and the charts of both."""
