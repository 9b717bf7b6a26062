"""What the pages share: session state, forms, the list of layers, the views of a model."""
