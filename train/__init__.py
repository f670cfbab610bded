"""A GAN trains a mobile generator from one painting: torch, a workstation, minutes."""
