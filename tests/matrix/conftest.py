"""The packaged charts for the tests on a cluster."""

from tests.cluster.conftest import chart, crds_chart

__all__ = ["chart", "crds_chart"]
