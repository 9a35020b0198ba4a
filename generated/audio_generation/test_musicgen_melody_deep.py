# Rendered from templates/_architectures.py.jinja for transformers 5.24.0. Do not edit:
# change the templates, then run `hfci generate musicgen_melody`.
"""musicgen_melody: deep tests of its architectures.

MusicgenMelodyForConditionalGeneration has smoke tests, in a file of its own.
"""

import pytest

from hfci import checks
from hfci.tiny import TinyModel

pytestmark = pytest.mark.hfci(model_type="musicgen_melody", tier="deep")


@pytest.mark.hfci(
    architecture="MusicgenMelodyForConditionalGeneration",
    family="audio_generation",
)
class TestMusicgenMelodyForConditionalGeneration:
    """Family: text to audio model.

    Auto classes:
    - AutoModelForTextToWaveform
    """

    @pytest.mark.parametrize(
        "check",
        [
            "configuration_changes_do_as_recorded",
        ],
    )
    def test_invariant(self, tiny: TinyModel, check: str) -> None:
        checks.assert_holds(tiny, check)
