"""The Feature maps page: the open model on a picture, layer by layer."""
