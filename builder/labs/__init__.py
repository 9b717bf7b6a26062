"""The numbers behind the lab pages: pictures, kernels, activations, feature maps."""
