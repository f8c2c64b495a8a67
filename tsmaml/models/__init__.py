"""Architectures, reached by name through the registry: ``mlp``, ``nbeats``."""
