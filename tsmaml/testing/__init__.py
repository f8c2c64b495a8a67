"""Conformance kits: what a part has to do to be used, in checks that say in words what they want."""

from __future__ import annotations

from tsmaml.testing.models import MODEL_CHECKS, check_model

__all__ = ["MODEL_CHECKS", "check_model"]
