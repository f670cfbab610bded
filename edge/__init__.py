"""The daemon that restyles a camera on a small board, and the contracts that it owns."""

__version__ = "0.1.0"
