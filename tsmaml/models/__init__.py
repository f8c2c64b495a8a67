"""Architectures, reached by name through the registry, a module each."""
