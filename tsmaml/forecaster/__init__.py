"""MetaForecaster, and the machine behind it.

``api`` is what users see; ``settings`` what they can ask for; ``pipeline`` runs the parts; ``fitting``
meta-trains; ``calibration`` makes intervals; ``validation`` judges settings;
``adapted`` keeps adapted series; ``frames`` makes results; ``storage`` saves and loads.
Importing this loads no TensorFlow.
"""

from __future__ import annotations

from tsmaml.forecaster.api import MetaForecaster
from tsmaml.forecaster.validation import Validation, validate

__all__ = ["MetaForecaster", "Validation", "validate"]
