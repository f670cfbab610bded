"""A landscape of our own, with exact optical flow between its frames.

It is the sample clip, the README's picture and the ground truth of the temporal
metric: no footage has to be shipped or downloaded for any of them.
"""

from train.scene.flow import FlowPair
from train.scene.render import Scene, View

__all__ = ["FlowPair", "Scene", "View"]
