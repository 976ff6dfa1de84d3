"""A curve is distinguished from a page with only axes and words."""

import io

import numpy as np
import pytest
from matplotlib.image import imsave

from task_gateway_lab.scenarios.tensorboard_curve import COLOUR, has_curve


def picture(wide: int) -> bytes:
    """Return a white page with a black axis and a line of the run's colour over a part of its 400 columns."""
    page = np.full((200, 400, 3), 255, dtype=np.uint8)
    page[150, :] = 0
    for column in range(wide):
        page[20 + column // 4, column] = COLOUR
    file = io.BytesIO()
    imsave(file, page, format="png")
    return file.getvalue()


@pytest.mark.parametrize(("wide", "drawn"), [(0, False), (40, False), (200, True), (400, True)])
def test_a_curve_is_as_wide_as_a_part_of_the_page(wide: int, drawn: bool) -> None:
    assert has_curve(picture(wide)) is drawn
