"""Promises that only a real browser in front of a real server can hold."""
