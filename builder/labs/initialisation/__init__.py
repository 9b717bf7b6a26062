"""The numbers behind the Initialisation page.

places     the parameters of a model, and edits of how many of them start
torchs_own how the constructor of a layer starts its parameters
law        what a scheme draws from: mean, spread, density
formula    the formula of a scheme with the numbers of a parameter
drawn      what a model's parameters start as: statistics and histograms
through    spread of values and gradients at every layer of a model, and in theory
toy        small models that differ in their start alone, trained side by side
promises   what orthogonal, dirac, eye and sparse hold, measured
"""
