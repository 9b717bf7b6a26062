"""Series that were measured, out of packages. Each function stands alone, as a script needs it."""

from __future__ import annotations

import numpy as np


def sunspots(length: int) -> tuple[np.ndarray, ...]:
    """Sunspots a year from 1700 to 2008: windows of years, and the year that comes next."""
    import importlib.resources

    # The same file that statsmodels.datasets.sunspots.load_pandas() reads, a hundred times faster.
    path = importlib.resources.files("statsmodels") / "datasets/sunspots/sunspots.csv"
    series = np.genfromtxt(str(path), delimiter=",", skip_header=1, usecols=(1,))
    windows = np.lib.stride_tricks.sliding_window_view(series, length + 1).copy()
    return windows[:, :-1, None], windows[:, -1]


def co2(length: int) -> tuple[np.ndarray, ...]:
    """Parts of carbon dioxide per million in the air of Mauna Loa, a week a step, 1958 to 2001.

    Of 2,284 weeks 59 are missing; they lie on the line between their neighbours.
    """
    import importlib.resources

    # The same file that statsmodels.datasets.co2.load_pandas() reads, a hundred times faster.
    path = importlib.resources.files("statsmodels") / "datasets/co2/co2.csv"
    series = np.genfromtxt(str(path), delimiter=",", skip_header=1, usecols=(1,))
    weeks, there = np.arange(len(series)), ~np.isnan(series)
    series = np.interp(weeks, weeks[there], series[there])
    windows = np.lib.stride_tricks.sliding_window_view(series, length + 1).copy()
    return windows[:, :-1, None], windows[:, -1]


def seattle(length: int) -> tuple[np.ndarray, ...]:
    """The day's highest temperature in Seattle in degrees Celsius, 2012 to 2015."""
    from vega_datasets import data

    series = data.seattle_weather()["temp_max"].to_numpy(float)
    windows = np.lib.stride_tricks.sliding_window_view(series, length + 1).copy()
    return windows[:, :-1, None], windows[:, -1]


def san_francisco(length: int) -> tuple[np.ndarray, ...]:
    """The temperature in San Francisco in degrees Fahrenheit, an hour a step, in a usual year."""
    from vega_datasets import data

    series = data.sf_temps()["temp"].to_numpy(float)
    windows = np.lib.stride_tricks.sliding_window_view(series, length + 1).copy()
    return windows[:, :-1, None], windows[:, -1]
