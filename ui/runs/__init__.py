"""The Runs page: the table, curves over one another, differences, pairs and sweeps."""
