"""Speed promises, measured: ratios in one run against a named rival or a floor."""
