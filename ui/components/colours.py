"""The colour of each group of layers, the same in the list, the palette and the diagram."""

# Kin groups have kin hues. Each stands out from a white and from a nearly black page.
GROUP_COLOURS = {
    "Linear": "#4a7bd8",
    "Convolution": "#8062e0",
    "Pooling": "#1a9e97",
    "Normalisation": "#cf9024",
    "Activation": "#e0663a",
    "Recurrent": "#bf4fa0",
    "Embedding": "#5f9e3e",
    "Attention": "#d8456f",
    "Dropout": "#8b93a1",
    "Padding": "#a08a62",
    "Shape": "#6a8cb0",
    "Resampling": "#3a9bcb",
    "Function": "#72808f",
    "Function activation": "#e39670",
    "Function pooling": "#62b5b0",
    "Block": "#5666c7",
    "Own": "#8f6148",
}
OTHER = "#8b93a1"


def group_colour(group: str) -> str:
    """The colour of a group as ``#rrggbb``; unknown groups share the colour of "Other"."""
    return GROUP_COLOURS.get(group, OTHER)
