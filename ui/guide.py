"""Help for a newcomer, on the pages themselves."""

from __future__ import annotations

from typing import Literal

import streamlit as st

_BUILD = """
**Build a model in five steps**

1. Open a **starting point**, or pick layers from the palette on the left; type to search it.
2. Click a layer for its settings. Sizes marked :gray-badge[inferred] come from the layer before.
3. Every shape is shown as `(N, ...)`, where N is the batch. A layer that cannot run says why, in
   red, and its buttons mend it.
4. The views on the right show the same model as a diagram, a table, PyTorch code, or JSON.
5. Go to **Train**, choose data, press Start, and take weights and code with you.

**In the list**: arrow keys select, Alt + Up or Down moves, F2 renames, Del deletes, Ctrl + Z goes
back. The **+** of a row marks where the next layer goes; rows and palette entries can be dragged.

**Containers**: a Sequential is a chain; in a ModuleList or a Graph a layer's *Reads* may name any
earlier layers, for branches and skip connections. Functions such as `+` and `torch.cat` live there.

**Own layers**, the last of the views, makes layers of your own of settings, parameters and a
formula; they then stand at the head of the palette.

Everything is kept as you go: the address of the page brings this model back.
"""


_CONVOLUTION = """
**What a convolution does to a picture**

1. Choose a **picture**: a sample, files of your own, or a photograph taken now.
2. The **chain** on the right starts with one convolution. Choose its **kernel**, move its
   sliders, or type into its cells. Add pooling, upsampling, activations: each stage is shown.
3. Drag the divider over the picture; zoom with the wheel or + and -. **Click a pixel** of the
   result to see the patch it comes from, the products and their sum, and the window on its way.
4. *Take away* downloads the result at full size, as a picture or a tensor, writes the code, and
   puts the kernel into your model as a frozen layer. *Learn the kernel* lets a Conv2d find it by
   itself.

The chain is a model like any other: Undo goes back, and the address of the page brings it back.
"""
_FEATURE_MAPS = """
**What your model sees in a picture**

1. The model is the one on **Build**, with fresh weights or those of a finished run.
2. Choose a sample of the data it was trained on, or a picture of your own, and how it is fitted.
3. **Maps** shows what every layer gives; click a map to enlarge it. **Filters** shows the
   weights of convolutions as pictures. **Why** shows which pixels the answer rests on: saliency,
   Grad-CAM, integrated gradients, occlusion.
"""
_ACTIVATIONS = """
**What each function does to a number**

1. Choose activations above; those with parameters have sliders.
2. **Curves** shows function and derivative, where units are dead or saturated, and what they
   cost. **Your numbers** sends a tensor of yours through them, with the code that does it.
3. **In place** runs `inplace=True` on a tensor; **Through depth** follows values and gradients
   through a tower of layers; **In your model** lays what your model's activations are given over
   their curves.
"""
_TRAIN = """
**Train the model and watch it learn**

1. Choose **data** on the left, or bring your own: a table, pictures, arrays, a text, points drawn
   by hand. If data and model do not fit, a button changes the model, or opens one that does.
2. Loss, optimizer and learning rate are set to what usually works. Press **Start**, or
   **Step by step** to go a batch at a time.
3. **Run** shows the curves as they come. Pause, go on, take one batch or one epoch, stop.
   *Rates ÷ 10* and *Rates and groups* change the learning rates while it runs; each change is
   marked on the curves.
4. Below the curves: what the model answers, what it confuses, what its units and weights do.
5. Where something keeps the model from learning, a button with the doctor's **notes** appears,
   each with its evidence and buttons that mend it.

**When you want more**: *Data* looks at the samples; *Write* lets a model go on with a text;
*Groups* gives parts of the model a rate of their own, or freezes them; *Schedule* lets the rates
fall over the run; *Range test* finds a rate; the *Doctor* checks up on one batch and on 20
samples.

A run trains in a process of its own: close the page and come back, and it is still there. When it
ends, take the weights, the code and a script that loads one into the other.
"""
_INITIALISATION = """
**How parameters start, and what it changes**

1. **Schemes** sets how the weights of your model start: with one click for all layers of a kind,
   by a form for a kind, a layer or one parameter. It is kept in the model, in Undo and in the code.
2. **Formula and draw** puts the numbers of a parameter into the formula of its scheme, and lays
   what was drawn over the law it follows.
3. **Through the model** follows the spread of values and gradients from layer to layer, for
   several starts side by side; in a plain stack theory is drawn beside it.
4. **Training** lets small models that differ in their start alone learn side by side.
5. **Promises** measures what orthogonal, dirac, eye and sparse hold.

The seed above draws the same weights again.
"""
_RUNS = """
**What was tried, and what came of it**

1. Every run is in the **table**. Search it, sort it by its headings, and tick runs to look at
   them; a name, tags and notes help to find one again. What is deleted can be brought back.
2. **Curves** lays the ticked runs over one another. **Differences** says line by line what they
   were given that was not the same.
3. **A/B** changes exactly one setting of a ticked run, or of what the Train page is set to, and
   trains both sides from the same seeds, so that a difference is due to that setting; several seeds
   show whether it is more than luck.
4. **Sweep** tries many values of one or two settings, on a grid, by chance, or by a search that
   learns from the runs before. It goes on when the page is closed; the best is one click away.

A run keeps its model and its recipe as they were: *Open its model* and *Run again* work whatever
has been edited since.
"""
_INSIDE = """
**What `nn.Module` keeps of your model**

1. The model is the one on **Build**, with fresh weights, those that a run has left, or those that
   were brought back.
2. **Tree** shows what torch walks, children or all modules, and what each module keeps of itself:
   pick one to see its dictionaries as they are.
3. **Parameters** has every tensor in figures, as a histogram and as a picture, and over a run's
   checkpoints by a slider. *train() and eval()* runs batches in both.
4. **Naming** takes a name such as `subnet1.conv.weight` apart: point at one and its way lights up
   in the tree and in the code. It also shows what a Python list hides from torch.
5. **Hooks** puts hooks on modules by a click, passes a batch, tells what they saw in the order in
   which they fired, and takes them off again.
6. **Step by step** sends a batch through it: what every layer gives, what it costs, and the first
   NaN. **Autograd** draws the graph of a backward pass, and says which parameters it reaches.
7. **Moving** turns the model into `half`, `bfloat16` or `double`, or moves it to another device:
   what moves, what it takes, and what becomes of the outputs.
8. **Weights** brings weights back from a `.pt` or `.safetensors`: what fits, what is missing, what
   another name would do. Loaded, they are verified, and can be looked into, scored, frozen and
   trained on. Two checkpoints are compared tensor by tensor; several have a mean.
"""
_GUIDES = {
    "build": _BUILD,
    "train": _TRAIN,
    "runs": _RUNS,
    "convolution": _CONVOLUTION,
    "feature maps": _FEATURE_MAPS,
    "activations": _ACTIVATIONS,
    "initialisation": _INITIALISATION,
    "inside": _INSIDE,
}


def guide(page: str, *, width: Literal["stretch", "content"] = "content") -> None:
    """Draw the help button of a page."""
    with st.popover("How it works", icon=":material/help:", width=width):
        st.markdown(_GUIDES[page])
