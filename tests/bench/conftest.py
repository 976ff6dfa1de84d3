"""The cluster of tests/cluster, for the tests of the bench."""

from tests.cluster.conftest import chart, crds_chart, installed, kind_cluster, operator

__all__ = ["chart", "crds_chart", "installed", "kind_cluster", "operator"]
