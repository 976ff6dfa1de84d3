"""The packaged charts, as the tests on a cluster have them."""

from tests.cluster.conftest import chart, crds_chart

__all__ = ["chart", "crds_chart"]
