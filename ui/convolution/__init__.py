"""The Convolution page: a chain of layers over a picture, and what it does to each pixel."""
